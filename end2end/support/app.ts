// The real `troupe` binary, on a free port, with a data directory of its own.
// It can be killed as a power cut would and started again on the same port and data.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;

/** Answers come at once: for tests of what is there, not of how it comes. */
export const QUICK = { TROUPE_PRACTICE_SPEED: 'instant' };

export type Settings = Record<string, string>;

export class App {
  readonly url: string;
  private process?: ChildProcess;

  private constructor(
    private readonly port: number,
    readonly directory: string,
    private readonly settings: Settings,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** A running server with an empty database. `settings` are environment variables. */
  static async start(settings: Settings = {}): Promise<App> {
    const app = new App(await freePort(), mkdtempSync(join(tmpdir(), 'troupe-e2e-')), settings);
    await app.boot();
    return app;
  }

  /** What the server has logged, over all its lives. */
  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /** `kill -9`: no chance to tidy up. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM: the server drains. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Starts again on the same port and data after `kill` or `stop`. */
  async boot(): Promise<void> {
    const log = createWriteStream(this.logFile, { flags: 'a' });
    const child = spawn(binary(), ['serve'], { cwd: this.directory, env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('exit', (code, signal) => log.end(`-- ended: ${signal ?? code}\n`));
    this.process = child;
    await this.untilReady();
  }

  /** Ends the server and forgets its data. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get logFile(): string {
    return join(this.directory, 'server.log');
  }

  // Nothing of the developer's environment reaches a test, least of all a key.
  private environment(): Settings {
    const passed = ['PATH', 'HOME', 'TMPDIR', 'TROUPE_SITE_DIR'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      ...Object.fromEntries(passed),
      TROUPE_ADDR: `127.0.0.1:${this.port}`,
      TROUPE_DATA_DIR: join(this.directory, 'var'),
      TROUPE_LOG: 'info',
      ...this.settings,
    };
  }

  private async untilReady(): Promise<void> {
    const deadline = Date.now() + START_WITHIN_MS;
    while (Date.now() < deadline) {
      if (this.ended()) {
        break;
      }
      const answer = await fetch(`${this.url}/ready`).catch(() => undefined);
      if (answer?.ok) {
        return;
      }
      await sleep(25);
    }
    throw new Error(`The server did not become ready.\n${this.log}`);
  }

  private ended(): boolean {
    return !this.process || this.process.exitCode !== null || this.process.signalCode !== null;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    if (!child || this.ended()) {
      return;
    }
    const exited = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill(signal);
    const inTime = await Promise.race([exited.then(() => true), sleep(STOP_WITHIN_MS, false, { ref: false })]);
    if (!inTime) {
      child.kill('SIGKILL');
      throw new Error(`The server did not end within ${STOP_WITHIN_MS} ms of ${signal}.\n${this.log}`);
    }
  }
}

function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? '../target';
  const path = resolve(process.env.TROUPE_BIN ?? join(target, 'release/troupe'));
  if (!existsSync(path)) {
    throw new Error(`${path} is missing; \`just build\` makes it.`);
  }
  return path;
}

async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => done(port));
    });
  });
}
