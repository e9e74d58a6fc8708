// The browser of this machine: `CHROME_BIN`, else the first one on the search path.
// Playwright's own download is never used.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

// A test browser talks to the test server and to nobody else.
const QUIET = [
  '--no-first-run',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function chromium() {
  const root = process.getuid?.() === 0;
  return { executablePath: find(), args: root ? [...QUIET, '--no-sandbox'] : QUIET };
}

function find(): string {
  const candidates = [
    ...(process.env.CHROME_BIN ? [process.env.CHROME_BIN] : []),
    ...(process.env.PATH ?? '').split(delimiter).flatMap((directory) => NAMES.map((name) => join(directory, name))),
  ];
  const found = candidates.find(executable);
  if (!found) {
    throw new Error('No Chromium found. Try: sudo apt-get install chromium, or set CHROME_BIN.');
  }
  return found;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
