// What the browser enforces for us, and that signing out ends everything at once.
import { QUICK } from '../support/app';
import { Chat, alive, discussed, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter, signIn, signOut } from '../support/people';

test.use({ settings: QUICK });

const POLICY = /script-src 'nonce-[^']+' 'strict-dynamic' 'wasm-unsafe-eval'.*frame-ancestors 'none'/;

test('every page brings a content policy, and a script that is not ours does not run', async ({ page, app, context, strict }) => {
  strict.allow(/^404 GET .*\/nowhere$/, /^console error: .*Content Security Policy/);
  await enter(context, app.url);
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', () => {
      const { dataset } = document.documentElement;
      dataset.refused = String(Number(dataset.refused ?? 0) + 1);
    });
  });
  const nonces = new Set<string>();
  for (const path of ['/', '/sign-up', '/nowhere', '/chat', '/settings/api-keys']) {
    const answer = await page.goto(path);
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy, path).toMatch(POLICY);
    nonces.add(/nonce-([^']+)/.exec(policy)?.[1] ?? '');
    expect(answer?.headers()['etag'], path).toBeUndefined();
    const refused = () => page.evaluate(() => Number(document.documentElement.dataset.refused));
    const ran = await page.evaluate(() => {
      const holder = document.createElement('div');
      holder.innerHTML = '<b onclick="window.injected = true" style="color: red">x</b><a href="javascript:window.injected = true">y</a>';
      document.body.append(holder);
      holder.querySelector('b')?.click();
      holder.querySelector('a')?.click();
      return 'injected' in window;
    });
    expect(ran, path).toBe(false);
    await expect.poll(refused, path).toBeGreaterThanOrEqual(3);
  }
  expect(nonces.size, 'each page has a nonce of its own').toBe(5);
});

test('signing out in one tab ends the other', async ({ page, app, context, strict }) => {
  strict.allow(/^401 /);
  const ada = await enter(context, app.url);
  const id = await discussed(page, app.url, 'hello');
  const other = await context.newPage();
  await open(page, '/chat');
  await open(other, `/chat/${id}`);
  await signOut(page);
  await expect(page).toHaveURL(/\/sign-in$/);

  const chat = new Chat(other);
  await chat.message.fill('still there?');
  await chat.message.press('Enter');
  await expect(other).toHaveURL(new RegExp(`/sign-in\\?next=/chat/${id}$`));
  expect((await page.request.get(`${app.url}/api/v1/me`)).status()).toBe(401);
  await page.goBack();
  await expect(page).toHaveURL(/\/sign-in/);

  await alive(other, () => signIn(other, ada));
  await expect(other).toHaveURL(new RegExp(`/chat/${id}$`));
  await expect(chat.said).toHaveText(/hello/);
  await expect(chat.message, 'what could not be sent is still there').toHaveValue('still there?');
});

test('what belongs to somebody else is not there', async ({ page, app, context, browser, strict }) => {
  strict.allow(/^404 GET /);
  await enter(context, app.url);
  const id = await discussed(page, app.url, 'my secret plan');
  const elsewhere = await browser.newContext();
  await enter(elsewhere, app.url);
  const stranger = await elsewhere.newPage();
  const answer = await stranger.goto(`${app.url}/chat/${id}`);
  expect(answer?.status()).toBe(404);
  await expect(stranger.getByText('my secret plan')).toHaveCount(0);
  await elsewhere.close();
});

test('the session cookie is out of reach of scripts', async ({ page, app, context }) => {
  await enter(context, app.url);
  await open(page, '/chat');
  expect(await page.evaluate(() => document.cookie)).toBe('');
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
});
