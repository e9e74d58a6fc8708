// From the home page to a first answer, and the same again after a reload.
import { Chat, alive, counted, expectGrowing, messages, open, reload } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter, signUp, somebody } from '../support/people';

test('a newcomer signs up, asks and is answered', async ({ page, app }) => {
  const [chat, ada] = [new Chat(page), somebody()];
  await page.goto('/');
  await page.getByRole('link', { name: 'Start free' }).first().click();
  await expect(page).toHaveURL(/\/sign-up$/);
  await alive(page, () => signUp(page, ada));
  await expect(page).toHaveURL(/\/chat$/);
  await expect(chat.title).toContainText('Hello, Ada');
  await expect(page.getByText('Simulated').first()).toBeVisible();

  await chat.ask('count to 60');
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  const seen = await chat.remember();
  await chat.halfway();
  await chat.ended();
  await expect(chat.said).toHaveCount(1);
  await expect(chat.text).toHaveText(counted(60));
  const texts = await seen();
  expect(texts.length, 'the answer came in pieces').toBeGreaterThan(10);
  expectGrowing(texts, counted(60));
  expect((await messages(page, app.url, chat.id)).map(({ author, text }) => [author, text])).toEqual([
    ['user', 'count to 60'],
    ['agent', counted(60)],
  ]);
});

test('the agent gives the conversation a title, which every place shows', async ({ page, app, context }) => {
  const chat = new Chat(page);
  await enter(context, app.url);
  await open(page, '/chat');
  await chat.ask('what time is it');
  await chat.ended();
  const titled = async () => {
    const answer = await page.request.get(`${app.url}/api/v1/conversations/${chat.id}`);
    const { title, title_source } = await answer.json();
    return title_source === 'agent' ? title : undefined;
  };
  await expect.poll(titled).toBeTruthy();
  const title = await titled();
  await expect(chat.title).toHaveText(title);
  await expect(chat.list.getByRole('link', { name: title })).toHaveAttribute('aria-current', 'page');
  await expect(page).toHaveTitle(`${title} · Troupe`);
});

test('a reload shows the same: formatting, tools, reasoning, sources', async ({ page, app, context }) => {
  const chat = new Chat(page);
  await enter(context, app.url);
  await open(page, '/chat');
  for (const text of ['show me Markdown', 'think about tides and cite sources', 'what time is it in Tokyo?']) {
    await chat.ask(text);
    await chat.ended();
  }
  await expect(page.getByRole('cell', { name: 'one execution of it' })).toBeVisible();
  await expect(page.locator('pre .tk').first(), 'code is coloured once it is whole').toBeVisible();
  const written = await chat.snapshot();
  await reload(page);
  expect(await chat.snapshot()).toBe(written);
});
