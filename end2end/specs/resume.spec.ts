// An answer goes on whatever happens to the tab, the network or the server, and nobody has to press anything.
import { Chat, counted, expectGrowing, messages, open, reload } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

const RECONNECTING = /^Reconnecting/;
// A server that is down, a network that is cut: the browser says so, and should.
const CUT = [/^failed: GET .*\/api\/v1\/live/, /^failed: POST .*\/api\/pages\//];

test('a reload in the middle', async ({ page, app, context }) => {
  const chat = new Chat(page);
  await enter(context, app.url);
  await open(page, '/chat');
  await chat.ask('count to 300');
  await chat.halfway();
  const before = (await chat.words()).length;
  await reload(page);
  expect((await chat.words()).length).toBeGreaterThanOrEqual(before);
  await expect(chat.stop).toBeVisible();
  const seen = await chat.remember();
  await chat.ended();
  await expect(chat.said).toHaveCount(1);
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.text).toHaveText(counted(300));
  expectGrowing(await seen(), counted(300));
  expect((await messages(page, app.url, chat.id)).at(-1)?.text).toBe(counted(300));
});

test('reloads in the middle of formatted text end in the very page that the server shows', async ({ page, app, context }) => {
  const chat = new Chat(page);
  await enter(context, app.url);
  await open(page, '/chat');
  await chat.ask('write 150 words about tides, and cite sources');
  for (const words of [10, 40, 80]) {
    await chat.halfway(words);
    await reload(page);
  }
  await chat.ended();
  const written = await chat.snapshot();
  await reload(page);
  expect(await chat.snapshot()).toBe(written);
});

test.describe('the network', () => {
  test.use({ baseURL: async ({ network }, use) => use(network.url) });

  test('is cut and comes back', async ({ page, network, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, network.url);
    await open(page, '/chat');
    await chat.ask('count to 300');
    await chat.halfway();
    const seen = await chat.remember();
    await network.cut();
    await expect(page.getByText(RECONNECTING)).toBeVisible();
    expect((await chat.words()).length).toBeLessThan(300);
    await network.restore();
    await expect(page.getByText(RECONNECTING)).toBeHidden();
    await chat.ended();
    await expect(chat.text).toHaveText(counted(300));
    expectGrowing(await seen(), counted(300));
  });

  test('is cut while the answer ends', async ({ page, app, network, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, network.url);
    await open(page, '/chat');
    await chat.ask('count to 300');
    await chat.halfway();
    await network.cut();
    const stored = async () => (await messages(page, app.url, chat.id)).at(-1)?.text;
    await expect.poll(stored, { timeout: 20_000 }).toBe(counted(300));
    await expect(chat.stop).toBeVisible();
    await network.restore();
    await chat.ended();
    await expect(chat.text).toHaveText(counted(300));
  });

  test('is gone for the whole machine', async ({ page, app, network, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, network.url);
    await open(page, '/chat');
    await chat.ask('count to 300');
    await chat.halfway();
    await context.setOffline(true);
    await network.cut();
    await expect(page.getByText(RECONNECTING)).toBeVisible();
    await network.restore();
    await context.setOffline(false);
    await expect(page.getByText(RECONNECTING)).toBeHidden();
    await chat.ended();
    await expect(chat.text).toHaveText(counted(300));
    expect((await messages(page, app.url, chat.id)).at(-1)?.text).toBe(counted(300));
  });
});

test.describe('the server', () => {
  test.use({ baseURL: async ({ ownApp }, use) => use(ownApp.url) });

  test('is killed and started again', async ({ page, ownApp, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, ownApp.url);
    await open(page, '/chat');
    await chat.ask('count to 300');
    await chat.halfway();
    const seen = await chat.remember();
    await ownApp.kill();
    await expect(page.getByText(RECONNECTING)).toBeVisible();
    await ownApp.boot();
    await expect(page.getByText(RECONNECTING)).toBeHidden();
    await chat.ended();
    await expect(chat.text).toHaveText(counted(300));
    expectGrowing(await seen(), counted(300));
    expect((await messages(page, ownApp.url, chat.id)).at(-1)).toMatchObject({ text: counted(300), partial: false });
  });

  test('is killed after a reload in the middle, twice', async ({ page, ownApp, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, ownApp.url);
    await open(page, '/chat');
    await chat.ask('count to 300');
    for (const words of [20, 80]) {
      await chat.halfway(words);
      await reload(page);
      await expect(chat.stop).toBeVisible();
      await ownApp.kill();
      await ownApp.boot();
    }
    await chat.ended();
    await expect(chat.said).toHaveCount(1);
    await expect(chat.answers).toHaveCount(1);
    await expect(chat.text).toHaveText(counted(300));
    const written = await chat.snapshot();
    await reload(page);
    expect(await chat.snapshot()).toBe(written);
  });

  test('stops in order in the middle and is started again', async ({ page, ownApp, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, ownApp.url);
    await open(page, '/chat');
    await chat.ask('count to 300');
    await chat.halfway();
    await ownApp.stop();
    await ownApp.boot();
    await chat.ended();
    await expect(chat.text).toHaveText(counted(300));
  });

  test('is away when something is sent: the words are kept and can be sent again', async ({ page, ownApp, context, strict }) => {
    strict.allow(...CUT);
    const chat = new Chat(page);
    await enter(context, ownApp.url);
    await open(page, '/chat');
    await chat.ask('hello');
    await chat.ended();
    await ownApp.kill();
    await chat.message.fill('count to 10');
    await chat.message.press('Enter');
    await expect(chat.said.last().getByRole('alert')).toContainText('Not sent.');
    await ownApp.boot();
    await chat.said.last().getByRole('button', { name: 'Try again' }).click();
    await expect(chat.answers).toHaveCount(2);
    await chat.ended();
    await expect(chat.text).toHaveText(counted(10));
    await expect(chat.said).toHaveText([/hello/, /count to 10/]);
    await reload(page);
    await expect(chat.said).toHaveCount(2);
    await expect(chat.message).toHaveValue('');
  });
});
