// The way between a browser and the server, which a test can cut: what is under way breaks, what is new is refused.
import { type Server, type Socket, connect, createServer } from 'node:net';

import type { App } from './app';

export class Network {
  private readonly open = new Set<Socket>();
  private server?: Server;

  private constructor(
    private readonly to: URL,
    private port = 0,
  ) {}

  /** A way to the server that works. */
  static async to(app: App): Promise<Network> {
    const network = new Network(new URL(app.url));
    await network.restore();
    return network;
  }

  /** Where the server is found on this way. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Breaks every connection and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((done) => this.server?.close(done));
    this.open.forEach((socket) => socket.destroy());
    await closed;
  }

  /** Works again, at the same place. */
  async restore(): Promise<void> {
    const server = createServer((near) => this.join(near));
    await new Promise<void>((done, failed) => server.once('error', failed).listen(this.port, '127.0.0.1', done));
    const address = server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    this.server = server;
  }

  private join(near: Socket): void {
    const far = connect(Number(this.to.port), this.to.hostname);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
