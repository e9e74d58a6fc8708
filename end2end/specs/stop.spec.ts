// Stop keeps what was written and says so; what failed says why; both can be asked again.
import { Chat, counted, messages, open, reload } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

test.beforeEach(async ({ page, app, context }) => {
  await enter(context, app.url);
  await open(page, '/chat');
});

test('stop keeps the partial text, marked; then another answer, then another message', async ({ page, app }) => {
  const chat = new Chat(page);
  await chat.ask('count to 250');
  await chat.halfway();
  await chat.stop.click();
  await chat.ended();
  const answer = chat.answers.last();
  await expect(answer).toContainText('Stopped. What was written is kept.');
  const kept = (await chat.words()).join(' ');
  expect(kept.length).toBeGreaterThan(0);
  expect(counted(250).startsWith(kept)).toBe(true);
  const stored = (await messages(page, app.url, chat.id)).at(-1);
  expect(stored).toMatchObject({ partial: true });
  expect(stored?.text.trim()).toBe(kept);

  const written = await chat.snapshot();
  await reload(page);
  expect(await chat.snapshot()).toBe(written);

  await answer.getByRole('button', { name: 'Try again' }).click();
  await expect(answer).not.toContainText('Stopped.');
  await chat.ended();
  await expect(chat.answers, 'the new answer stands in place of the old').toHaveCount(1);
  await expect(chat.text).toHaveText(counted(250));
  await expect(page.getByRole('button', { name: 'Try again' })).toBeHidden();

  await chat.ask('count to 5');
  await chat.ended();
  await expect(chat.text).toHaveText('1 2 3 4 5');
  await expect(chat.said).toHaveText([/count to 250/, /count to 5/]);
});

test('an answer that breaks mid-way keeps its half, says why and can be asked again', async ({ page }) => {
  const chat = new Chat(page);
  await chat.ask('fail mid-way');
  await chat.ended();
  const answer = chat.answers.last();
  await expect(answer.getByRole('alert')).toContainText('The answer failed.');
  await expect(answer.getByRole('alert')).toContainText('broke mid-way');
  await expect(chat.text).toContainText('Here is the first half of an answer.');
  const written = await chat.snapshot();
  await reload(page);
  expect(await chat.snapshot()).toBe(written);
  await answer.getByRole('button', { name: 'Try again' }).click();
  await expect(answer.getByRole('alert')).toBeHidden();
  await chat.stop.click();
  await chat.ended();
  await expect(chat.answers).toHaveCount(1);
  await expect(answer).toContainText('Stopped.');
  await chat.ask('count to 3');
  await chat.ended();
  await expect(chat.text).toHaveText('1 2 3');
});

test('an answer that never begins says why', async ({ page }) => {
  const chat = new Chat(page);
  await chat.ask('fail with unauthorized');
  await chat.ended();
  await expect(chat.answers.last().getByRole('alert')).toContainText('does not accept the key');
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
});

test('a refusal is an answer, marked as one', async ({ page }) => {
  const chat = new Chat(page);
  await chat.ask('refuse');
  await chat.ended();
  await expect(chat.text).toContainText("I can't help with that.");
  await expect(chat.answers.last()).toContainText('The model declined to answer this.');
});
