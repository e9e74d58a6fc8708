// A key for programs: told once, works at once, ends at once.
import { QUICK } from '../support/app';
import { open, reload } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

test.use({ settings: QUICK });

test('a key is shown once, works, and is revoked', async ({ page, app, context, request }) => {
  await enter(context, app.url);
  await open(page, '/settings/api-keys');
  await expect(page.getByText('No keys yet')).toBeVisible();
  await page.getByRole('button', { name: 'New key' }).first().click();
  await page.getByLabel('Name').fill('Nightly report');
  await page.getByLabel('It may').selectOption('read');
  await page.getByRole('button', { name: 'Make key' }).click();
  const told = page.getByText(/^trp_\S{20,}$/);
  await expect(told).toBeVisible();
  const authorization = `Bearer ${await told.innerText()}`;
  const row = page.getByRole('row', { name: /Nightly report/ });
  await expect(row).toContainText('never');

  const me = await request.get(`${app.url}/api/v1/me`, { headers: { authorization } });
  expect(me.status()).toBe(200);
  const write = await request.post(`${app.url}/api/v1/conversations`, { headers: { authorization }, data: {} });
  expect(write.status(), 'a key that may read writes nothing').toBe(403);

  await page.getByRole('button', { name: 'I have kept it' }).click();
  await expect(told).toBeHidden();
  await reload(page);
  await expect(row).toBeVisible();
  await expect(told).toHaveCount(0);

  await row.getByRole('button', { name: 'Revoke' }).click();
  const question = page.getByRole('alertdialog', { name: 'Revoke this key?' });
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await question.getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByText('Key “Nightly report” revoked')).toBeVisible();
  await expect(page.getByText('No keys yet')).toBeVisible();
  expect((await request.get(`${app.url}/api/v1/me`, { headers: { authorization } })).status()).toBe(401);
});

test('a key without a name is not made, and the form says so', async ({ page, app, context, strict }) => {
  strict.allow(/^422 POST /);
  await enter(context, app.url);
  await open(page, '/settings/api-keys');
  await page.getByRole('button', { name: 'New key' }).first().click();
  await page.getByLabel('Name').fill('   ');
  await page.getByRole('button', { name: 'Make key' }).click();
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
});
