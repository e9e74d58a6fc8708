// Two tabs on one conversation see the same thing live; a third sees it in its list.
import { Chat, counted, discussed, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

test('two tabs see the same answer, whoever asked', async ({ page, app, context }) => {
  await enter(context, app.url);
  const id = await discussed(page, app.url, 'hello');
  const other = await context.newPage();
  const [left, right] = [new Chat(page), new Chat(other)];
  await open(page, `/chat/${id}`);
  await open(other, `/chat/${id}`);

  await left.ask('count to 200');
  await expect(right.said).toHaveText([/hello/, /count to 200/]);
  await right.halfway(10);
  await Promise.all([left.ended(), right.ended()]);
  await expect(right.text).toHaveText(counted(200));

  await right.ask('count to 40');
  await expect(left.said).toHaveCount(3);
  await Promise.all([left.ended(), right.ended()]);
  await expect(left.text).toHaveText(counted(40));
  expect(await left.snapshot()).toBe(await right.snapshot());
});

test('what one tab stops has stopped in the other', async ({ page, app, context }) => {
  await enter(context, app.url);
  const id = await discussed(page, app.url, 'hello');
  const other = await context.newPage();
  const [left, right] = [new Chat(page), new Chat(other)];
  await open(page, `/chat/${id}`);
  await open(other, `/chat/${id}`);
  await left.ask('count to 400');
  await right.halfway(10);
  await right.stop.click();
  await Promise.all([left.ended(), right.ended()]);
  await expect(left.answers.last()).toContainText('Stopped.');
  expect(await left.snapshot()).toBe(await right.snapshot());

  await left.answers.last().getByRole('button', { name: 'Try again' }).click();
  await right.halfway(10);
  await left.stop.click();
  await Promise.all([left.ended(), right.ended()]);
  expect(await left.snapshot()).toBe(await right.snapshot());
});

test('lists follow: a conversation begun, named, renamed, deleted in another tab', async ({ page, app, context }) => {
  await enter(context, app.url);
  const other = await context.newPage();
  const [left, right] = [new Chat(page), new Chat(other)];
  await open(page, '/chat');
  await open(other, '/chat');
  await expect(right.list.getByRole('link')).toHaveCount(0);
  await left.ask('count to 5');
  await left.ended();
  const link = right.list.getByRole('link');
  await expect(link).toHaveCount(1);

  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Title' }).fill('Numbers, small ones');
  await page.getByRole('textbox', { name: 'Title' }).press('Enter');
  await expect(left.title).toHaveText('Numbers, small ones');
  await expect(link).toHaveText('Numbers, small ones');

  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page).toHaveURL(/\/chat$/);
  await expect(link).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(left.list.getByRole('link', { name: 'Numbers, small ones' })).toBeVisible();
  await expect(link).toHaveCount(1);
});
