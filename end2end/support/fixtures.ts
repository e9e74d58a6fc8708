// What every spec imports instead of Playwright's own `test`:
// `app` is a server shared by the tests of one worker and started with their `settings`, `ownApp` one that a test may kill,
// `network` a way to `app` that a test may cut, `strict` fails the test on any problem that the browser saw and that was not allowed.
import { test as base, expect } from '@playwright/test';

import { App, type Settings } from './app';
import { Network } from './network';
import { Strict } from './strict';

type PerTest = { ownApp: App; network: Network; strict: Strict };
type PerWorker = { settings: Settings; app: App };

export const test = base.extend<PerTest, PerWorker>({
  settings: [{}, { option: true, scope: 'worker' }],

  app: [
    async ({ settings }, use) => {
      const app = await App.start(settings);
      await use(app);
      await app.remove();
    },
    { scope: 'worker' },
  ],

  baseURL: async ({ app }, use) => {
    await use(app.url);
  },

  ownApp: async ({}, use, info) => {
    const app = await App.start();
    await use(app);
    if (info.status !== info.expectedStatus) {
      await info.attach('server.log', { body: app.log, contentType: 'text/plain' });
    }
    await app.remove();
  },

  network: async ({ app }, use) => {
    const network = await Network.to(app);
    await use(network);
    await network.cut();
  },

  strict: [
    async ({ context }, use) => {
      const strict = new Strict(context);
      await use(strict);
      expect(strict.problems, 'problems that the browser reported').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
