// What pages load and how they come alive. Any console line that is red or yellow fails, here as everywhere.
import { QUICK } from '../support/app';
import { Chat, discussed, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

test.use({ settings: QUICK });

const LOADED = /\.(wasm|js)(\?|$)/;

test('public pages load no WASM and no script file', async ({ page, strict }) => {
  strict.allow(/^404 GET .*\/nowhere$/);
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  for (const path of ['/', '/sign-up', '/sign-in', '/nowhere']) {
    await page.goto(path, { waitUntil: 'networkidle' });
  }
  expect(loaded.filter((path) => LOADED.test(path))).toEqual([]);
  expect(loaded.filter((path) => path.endsWith('.css')).length).toBeGreaterThan(0);
});

test('every page of the workspace comes alive as the server drew it', async ({ page, app, context }) => {
  await enter(context, app.url);
  const id = await discussed(page, app.url, 'show me Markdown', 'think about tides and cite sources', 'fail with unauthorized');
  for (const path of ['/chat', `/chat/${id}`, '/settings/api-keys', '/home']) {
    await open(page, path);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await page.keyboard.press('ControlOrMeta+k');
    await expect(page.getByRole('combobox', { name: 'Search or do' }), `${path} is alive`).toBeVisible();
    await page.keyboard.press('Escape');
  }
});

test('walking between pages loads none of them anew', async ({ page, app, context }) => {
  await enter(context, app.url);
  const id = await discussed(page, app.url, 'hello');
  await open(page, '/chat');
  const documents: string[] = [];
  page.on('request', (request) => request.isNavigationRequest() && documents.push(request.url()));
  const chat = new Chat(page);
  await chat.list.getByRole('link').click();
  await expect(page).toHaveURL(new RegExp(`/chat/${id}$`));
  await expect(chat.said).toHaveText(/hello/);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'API keys' }).click();
  await expect(chat.title).toHaveText('API keys');
  await page.goBack();
  await expect(chat.said).toHaveText(/hello/);
  await page.getByRole('link', { name: 'New chat' }).click();
  await expect(chat.title).toContainText('Hello, Ada');
  expect(documents).toEqual([]);
});

test('what was typed before the page came alive, and what was not sent yet, is kept', async ({ page, app, context }) => {
  await enter(context, app.url);
  const chat = new Chat(page);
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route(/\.wasm$/, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('/chat', { waitUntil: 'commit' });
  await chat.message.fill('typed early');
  const alive = page.waitForRequest(/\/api\/v1\/live/);
  release();
  await alive;
  await expect(chat.message).toHaveValue('typed early');
  await page.unroute(/\.wasm$/);
  await chat.message.pressSequentially(' and late');
  await open(page, '/chat');
  await expect(chat.message).toHaveValue('typed early and late');
});

test('the theme is set before the first paint and kept', async ({ page, app, context }) => {
  await enter(context, app.url);
  await page.emulateMedia({ colorScheme: 'light' });
  await open(page, '/chat');
  const theme = () => page.locator('html').getAttribute('data-theme');
  expect(await theme()).toBe('light');
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('dark theme');
  await page.keyboard.press('Enter');
  await expect.poll(theme).toBe('dark');
  await page.goto('/', { waitUntil: 'commit' });
  await page.locator('body').waitFor();
  expect(await theme()).toBe('dark');
  await page.getByRole('button', { name: 'System' }).click();
  expect(await theme()).toBe('light');
});
