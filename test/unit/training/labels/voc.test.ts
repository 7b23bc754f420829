// VOC annotations: the numbers of one written by hand, the two conventions for corners, everything that can be wrong in one, and
// the attacks that XML is known for (6-faults, G6).

import { describe, expect, it } from 'vitest';
import { LABEL_FLAGS, readLabels } from '../../../../src/training.js';
import { jpegHeader, labelFile } from '../../../support/label-files.js';

const DOG = `<?xml version="1.0" encoding="utf-8"?>
<annotation>
	<folder>VOC2012</folder>
	<filename>2007_000027.jpg</filename>
	<source><database>The VOC2007 Database</database></source>
	<size><width>486</width><height>500</height><depth>3</depth></size>
	<segmented>0</segmented>
	<object>
		<name>person</name>
		<pose>Unspecified</pose>
		<truncated>1</truncated>
		<difficult>0</difficult>
		<bndbox>
			<xmin>174</xmin>
			<ymin>101</ymin>
			<xmax>349</xmax>
			<ymax>351</ymax>
		</bndbox>
		<part>
			<name>head</name>
			<bndbox><xmin>169</xmin><ymin>104</ymin><xmax>209</xmax><ymax>146</ymax></bndbox>
		</part>
	</object>
	<object>
		<name>dog &amp; friend</name>
		<difficult>1</difficult>
		<polygon><pt><x>1</x><y>2</y></pt></polygon>
		<bndbox><ymax>20.5</ymax><xmax>10</xmax><ymin>1</ymin><xmin>1</xmin></bndbox>
	</object>
</annotation>
`;
const read = (xml: string | Uint8Array, options = {}) => readLabels([labelFile('a/Annotations/x.xml', xml)], options);
const objectOf = (inner: string, name = 'cat') => `<annotation>
<size><width>100</width><height>100</height></size>
<object><name>${name}</name>${inner}</object>
</annotation>`;
const box = (xmin: unknown, ymin: unknown, xmax: unknown, ymax: unknown) =>
	`<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>`;

describe('a VOC annotation', () => {
	it('gives its boxes, classes in the order of letters, and flags; parts and polygons are not objects', async () => {
		const labels = await read(DOG);
		expect(labels.images).toEqual([{ name: '2007_000027.jpg', file: 'a/Annotations/x.xml', width: 486, height: 500 }]);
		expect([...labels.boxes]).toEqual([173, 100, 349, 351, 0, 0, 10, 20.5]);
		expect(labels.classNames).toEqual(['dog & friend', 'person']);
		expect([...labels.classIds]).toEqual([1, 0]);
		expect([...labels.flags]).toEqual([LABEL_FLAGS.truncated, LABEL_FLAGS.difficult]);
		expect([labels.format, labels.numProblems, labels.numFiles]).toEqual(['voc', 0, 1]);
	});

	it("takes corners as edges where asked: PASCAL's pixel 1 begins at 0", async () => {
		expect([...(await read(DOG, { vocCorners: 'edges' })).boxes]).toEqual([174, 101, 349, 351, 1, 1, 10, 20.5]);
	});

	it('has the class numbers whatever the order of files', async () => {
		const files = [labelFile('1.xml', objectOf(box(1, 1, 5, 5), 'zebra')), labelFile('2.xml', objectOf(box(1, 1, 6, 6), 'ant'))];
		const [one, other] = [await readLabels(files), await readLabels(files.reverse())];
		expect(one.classNames).toEqual(['ant', 'zebra']);
		expect([one.classNames, [...one.classIds]]).toEqual([other.classNames, [...other.classIds].reverse()]);
	});

	it('without a size takes that of its image, turned as its camera noted', async () => {
		const xml = '<annotation><filename>x.jpg</filename><size><width>0</width><height>0</height></size></annotation>';
		const files = [labelFile('s/Annotations/x.xml', xml), labelFile('s/JPEGImages/x.jpg', jpegHeader(640, 480, 6))];
		const { images, numProblems, numIgnored } = await readLabels(files);
		expect(images).toEqual([{ name: 'x.jpg', file: 's/Annotations/x.xml', width: 480, height: 640 }]);
		expect([numProblems, numIgnored]).toEqual([0, 1]);
		const alone = await readLabels(files.slice(0, 1));
		expect(alone.images[0]).toMatchObject({ width: 0, height: 0 });
		expect(alone.problems).toEqual([{ file: 's/Annotations/x.xml', what: 'does not say the size of x.jpg, and no image file does', dropped: 0 }]);
	});

	it('with names of the prototype is an annotation with such names', async () => {
		const labels = await read(
			objectOf(`<constructor>1</constructor><bndbox><__proto__>3</__proto__><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>`, '__proto__'),
		);
		expect([labels.classNames, [...labels.boxes], labels.numProblems]).toEqual([['__proto__'], [0, 0, 9, 9], 0]);
		expect(({} as Record<string, unknown>).xmin).toBe(undefined);
	});
});

describe('what is wrong in a VOC annotation', () => {
	it.each([
		['no corner', '<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax></bndbox>', 'object 1 ("cat") must have a number as <ymax>; got undefined'],
		['a word', box(1, 'one', 9, 9), 'object 1 ("cat") must have a number as <ymin>; got "one"'],
		['a hexadecimal number', box('0x1', 1, 9, 9), 'object 1 ("cat") must have a number as <xmin>; got "0x1"'],
		['an infinite number', box(1, 1, '1e999', 9), 'object 1 ("cat") has a corner beyond 2^24 pixels: [0, 0, Infinity, 9]'],
		['corners exchanged', box(9, 1, 2, 9), 'object 1 ("cat") has a side that is zero or negative: [8, 0, 2, 9]'],
		['a box beside the image', box(201, 1, 210, 9), 'object 1 ("cat") lies outside of its image of 100 x 100: [200, 0, 210, 9]'],
		['no box', '<pose>Left</pose>', 'object 1 ("cat") has no <bndbox>'],
		['no name', `<name></name>${box(1, 1, 9, 9)}`, 'object 1 has no <name>'],
	])('costs the object: %s', async (_, inner, what) => {
		const labels = await read(objectOf(inner).replace('</annotation>', `<object><name>ox</name>${box(1, 1, 4, 4)}</object></annotation>`));
		expect([...labels.boxes]).toEqual([0, 0, 4, 4]);
		expect(labels.problems).toEqual([{ file: 'a/Annotations/x.xml', line: 3, what, dropped: 1 }]);
		expect(labels.numDropped).toBe(1);
	});

	it('costs nothing where a box reaches beyond the image, and is told', async () => {
		const labels = await read(objectOf(box(91, 1, 110, 9)));
		expect([...labels.boxes]).toEqual([90, 0, 110, 9]);
		expect(labels.problems[0]).toMatchObject({ dropped: 0, what: expect.stringContaining('reaches outside of its image of 100 x 100') });
		expect((await read(objectOf(box(91, 1, 101, 9)))).numProblems).toBe(0);
	});

	it.each([
		['cut short', DOG.slice(0, 700), /^is not well-formed XML: /],
		['crossed tags', '<annotation>\n<object></annotation></object>', /^is not well-formed XML: /],
		['an unknown entity', '<annotation>\n<filename>&boom;</filename></annotation>', /^is not well-formed XML: undefined entity/],
		['two roots', '<annotation></annotation>\n<annotation></annotation>', /^is not well-formed XML/],
		['a size of words', '<annotation><size><width>wide</width><height>5</height></size></annotation>', /^has a <size> of "wide" x "5"/],
	])('costs the file: %s', async (_, xml, what) => {
		const labels = await readLabels([labelFile('bad.xml', xml), labelFile('good.xml', objectOf(box(1, 1, 4, 4)))]);
		expect([...labels.boxes]).toEqual([0, 0, 4, 4]);
		expect(labels.problems).toHaveLength(1);
		expect(labels.problems[0]).toMatchObject({ file: 'bad.xml', dropped: Infinity, what: expect.stringMatching(what) });
		expect([labels.numFailed, labels.numDropped]).toEqual([1, 0]);
	});

	it('is an error that names file, line and column, where asked', async () => {
		const error = await read('<annotation>\n<size>\n</annotation>', { onProblem: 'error' }).catch((e) => e);
		expect(error).toMatchObject({ name: 'KedgeError', code: 'BAD_FILE', file: 'a/Annotations/x.xml', line: 3 });
		expect(error.message).toMatch(/^readLabels: a\/Annotations\/x\.xml:3:\d+ is not well-formed XML: /);
	});

	it('is said of XML of another kind', async () => {
		const { problems, format } = await read('<kml><annotation/></kml>');
		expect([problems.map((p) => p.what), format]).toEqual([['is XML, but no VOC annotation'], undefined]);
	});
});

describe('attacks (G6)', () => {
	const LAUGHS = `<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY lol "lol">
${Array.from({ length: 9 }, (_, i) => ` <!ENTITY lol${i + 1} "${`&lol${i || ''};`.repeat(10)}">`).join('\n')}
]>
<annotation><filename>&lol9;</filename></annotation>`;

	it('billion laughs are refused before one is told', async () => {
		const { problems } = await read(LAUGHS);
		expect(problems).toEqual([expect.objectContaining({ what: 'declares entities; only plain VOC annotations are read', dropped: Infinity, line: 13 })]);
	});

	it('external entities are refused, and external subsets never asked for', async () => {
		const external = '<!DOCTYPE annotation [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><annotation><filename>&xxe;</filename></annotation>';
		expect((await read(external)).problems[0].what).toMatch(/^declares entities/);
		const subset = `<!DOCTYPE annotation SYSTEM "http://example.org/voc.dtd">${objectOf(box(1, 1, 4, 4))}`;
		expect((await read(subset)).numProblems).toBe(0);
	});

	it('depth is limited', async () => {
		const deep = (n: number) => `<annotation><size><width>9</width><height>9</height></size>${'<a>'.repeat(n)}${'</a>'.repeat(n)}</annotation>`;
		expect((await read(deep(31))).numProblems).toBe(0);
		expect((await read(deep(32))).problems[0].what).toBe('has elements within each other beyond limits.depth, 32');
		expect((await read(deep(1_000_000))).numFailed).toBe(1);
	});
});
