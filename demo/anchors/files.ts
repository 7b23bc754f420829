// Files that are chosen or dropped, folders with all that is in them, each with its path.

/** A file and where it was. */
export interface GivenFile {
	readonly file: File;
	readonly path: string;
}

/** More files than these are not read from one drop. */
export const MOST_FILES = 300_000;

/** The files of an input, with their paths where a folder was chosen. */
export function chosenFiles(list: FileList | null): GivenFile[] {
	return [...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The files of a drop, folders opened. Must be called before the event is over. */
export async function droppedFiles(transfer: DataTransfer): Promise<GivenFile[]> {
	const files: GivenFile[] = [];
	// entries are gone once the event is over
	const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
	for (const entry of entries) {
		if (entry instanceof File) files.push({ file: entry, path: entry.name });
		else if (entry) await open(entry, files);
	}
	return files;
}

async function open(entry: FileSystemEntry, files: GivenFile[]): Promise<void> {
	if (files.length >= MOST_FILES) throw new RangeError(`drop: must have ${MOST_FILES} files at most; got more (npx kedge anchors reads larger folders)`);
	const path = entry.fullPath.replace(/^\//, '');
	if (entry.isFile) {
		files.push({ file: await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)), path });
		return;
	}
	const reader = (entry as FileSystemDirectoryEntry).createReader();
	// a folder is handed out in pieces, the last of them empty
	for (;;) {
		const piece = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
		if (piece.length === 0) return;
		for (const inner of piece) await open(inner, files);
	}
}
