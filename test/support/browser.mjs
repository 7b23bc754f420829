// Finds a Chromium to test in, or installs one, and says how to start it with WebGPU on a software adapter.
// The same browser's SwiftShader serves Dawn in Node and naga in Deno, so one package is all a fresh machine needs.

import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const NAMES = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome', 'microsoft-edge'];
const PLACES = [
	'/opt/google/chrome/chrome',
	'/usr/lib/chromium/chromium',
	'/usr/lib/chromium-browser/chromium-browser',
	'/snap/bin/chromium',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
	'/Applications/Chromium.app/Contents/MacOS/Chromium',
	'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
	'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];
export const REMEDY =
	'install Chrome or Chromium (Debian, Ubuntu: apt-get install chromium), or run `npx playwright install chromium`, or set KEDGE_BROWSER to the path of one';

/** True when the file starts and says its version; a snap stub or a browser without its libraries does not. */
function works(file) {
	try {
		accessSync(file, constants.X_OK);
		if (process.platform === 'win32') return true; // chrome.exe --version opens a window there
		return /\d+\.\d+/.test(execFileSync(file, ['--version'], { timeout: 30_000, stdio: ['ignore', 'pipe', 'ignore'] }).toString());
	} catch {
		return false;
	}
}

function onPath() {
	const folders = (process.env.PATH ?? '').split(path.delimiter);
	return NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).filter((file) => existsSync(file));
}

function ofPlaywright() {
	try {
		const file = createRequire(import.meta.url)('playwright').chromium.executablePath();
		return existsSync(file) ? [file] : [];
	} catch {
		return [];
	}
}

/** The path of a browser, or undefined. KEDGE_BROWSER comes first and must work. */
export function findBrowser() {
	const asked = process.env.KEDGE_BROWSER;
	if (asked) {
		if (works(asked)) return asked;
		throw new Error(`findBrowser: KEDGE_BROWSER must be a browser that starts; got ${JSON.stringify(asked)}; ${REMEDY}`);
	}
	return [...onPath(), ...PLACES, ...ofPlaywright()].find(works);
}

/** The command prefix that gives root's rights without a question, or undefined. */
function asRoot() {
	if (process.getuid?.() === 0) return [];
	return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function attempt(command, env = {}) {
	console.log(`no browser found: trying \`${command.join(' ')}\``);
	const result = spawnSync(command[0], command.slice(1), { stdio: ['ignore', 'inherit', 'inherit'], timeout: 10 * 60_000, env: { ...process.env, ...env } });
	return result.status === 0;
}

/** A browser that is there, else Playwright's, else the system package manager's. Throws with the remedy when all fail. */
export function ensureBrowser() {
	let browser = findBrowser();
	if (browser) return browser;
	const root = asRoot();
	const deps = root && process.platform === 'linux' && existsSync('/usr/bin/apt-get') ? ['--with-deps'] : [];
	// The variable that spares `npm ci` a download must not stop the one that is asked for here.
	if (attempt(['npx', '--no-install', 'playwright', 'install', ...deps, 'chromium'], { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '' })) browser = findBrowser();
	if (browser) return browser;
	if (root && existsSync('/usr/bin/apt-get')) {
		const apt = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y'];
		attempt([...apt, 'update']);
		if (attempt([...apt, 'install', '--no-install-recommends', 'chromium'])) browser = findBrowser();
	}
	if (browser) return browser;
	throw new Error(`no browser: neither a Chrome or Chromium on this machine, nor Playwright's, nor the system's package could be had; ${REMEDY}`);
}

/** True when the machine's own GPU is asked for instead of the software adapter that every machine has. */
const hardware = process.env.KEDGE_ADAPTER === 'hardware';

/** Command-line flags for headless WebGPU. Linux: SwiftShader through Vulkan, which also makes canvas and video sources work. */
export function browserArgs() {
	const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
	const gpu = ['--enable-unsafe-webgpu'];
	if (process.platform === 'linux') gpu.push('--enable-features=Vulkan', '--use-angle=vulkan');
	if (!hardware) gpu.push('--use-webgpu-adapter=swiftshader');
	if (!hardware && process.platform === 'linux') gpu.push('--use-vulkan=swiftshader');
	if (process.getuid?.() === 0) gpu.push('--no-sandbox');
	return [...quiet, ...gpu];
}

/** Folders in which a browser keeps its SwiftShader. */
function driverFolders(browser) {
	const folders = ['/usr/lib/chromium', '/usr/lib64/chromium-browser', '/usr/lib/chromium-browser', '/opt/google/chrome'];
	if (browser) folders.unshift(path.dirname(realpathSync(browser)));
	for (const file of ofPlaywright()) folders.push(path.dirname(file));
	return folders;
}

/** Environment under which Dawn in Node and naga in Deno find a Vulkan driver. Empty where the machine's own is used. */
export function driverEnv(browser) {
	if (hardware || process.platform !== 'linux' || process.env.VK_ICD_FILENAMES) return {};
	const folder = driverFolders(browser).find((f) => existsSync(path.join(f, 'vk_swiftshader_icd.json')));
	if (!folder) return {};
	const env = { VK_ICD_FILENAMES: path.join(folder, 'vk_swiftshader_icd.json') };
	// The loader comes with the browser too; the system's is preferred when there is one.
	if (!hasSystemLoader()) env.LD_LIBRARY_PATH = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
	return env;
}

function hasSystemLoader() {
	const folders = ['/usr/lib', '/usr/lib64', '/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'];
	return folders.some((folder) => existsSync(folder) && readdirSync(folder).includes('libvulkan.so.1'));
}
