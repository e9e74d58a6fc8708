// Without script: signing up and in, talking, reading. Only what needs no other way is missing.
import { Chat, counted } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { signIn, signOut, signUp, somebody } from '../support/people';

test.use({ javaScriptEnabled: false });

// The browser says of every script that it does not run it, and that what scripts need was fetched in vain.
test.beforeEach(({ strict }) => strict.allow(/^failed: GET .*\.js csp$/, /^console warning: The resource .* was preloaded/));

test('signs up, talks and reads the answer', async ({ page }) => {
  const chat = new Chat(page);
  await page.goto('/sign-up');
  await signUp(page, somebody());
  await expect(page).toHaveURL(/\/chat$/);
  await chat.message.fill('count to 100');
  await chat.send.click();
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await expect(chat.said).toContainText('count to 100');
  // The page looks again by itself while an answer is written.
  await expect(chat.text).toHaveText(counted(100), { timeout: 20_000 });
  await expect(chat.stop).toBeHidden();
  await chat.message.fill('count to 3');
  await chat.send.click();
  await expect(chat.said).toHaveText([/count to 100/, /count to 3/]);
  await expect(chat.text).toHaveText('1 2 3', { timeout: 20_000 });
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'API keys' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('API keys');
});

test('stops an answer and asks again', async ({ page }) => {
  const chat = new Chat(page);
  await page.goto('/sign-up');
  await signUp(page, somebody());
  await chat.message.fill('count to 200');
  await chat.send.click();
  await chat.stop.click();
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await expect(chat.answers.last()).toContainText('Stopped.');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(chat.text).toHaveText(counted(200), { timeout: 20_000 });
  await expect(chat.answers).toHaveCount(1);
});

test('a message that is refused says why, above the composer', async ({ page }) => {
  const chat = new Chat(page);
  await page.goto('/sign-up');
  await signUp(page, somebody());
  await chat.message.fill(' ');
  await chat.send.click();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(chat.message).toBeVisible();
});

test('a bad form comes back as 422 with what was typed, the password left out', async ({ page, strict }) => {
  strict.allow(/^422 POST /);
  const ada = somebody();
  await page.goto('/sign-up');
  const refused = page.waitForResponse((response) => response.request().method() === 'POST');
  await signUp(page, { ...ada, password: 'short' });
  expect((await refused).status()).toBe(422);
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('Name')).toHaveValue(ada.name);
  await expect(page.getByLabel('Email')).toHaveValue(ada.email);
  await expect(page.getByLabel('Password')).toHaveValue('');
  await expect(page.getByLabel('Password')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Password').fill(ada.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page).toHaveURL(/\/chat$/);

  await signOut(page);
  await expect(page).toHaveURL(/\/sign-in$/);
  const wrong = page.waitForResponse((response) => response.request().method() === 'POST');
  await signIn(page, { ...ada, password: 'not my password at all' });
  expect((await wrong).status()).toBe(422);
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('Email')).toHaveValue(ada.email);
  await expect(page.getByLabel('Password')).toHaveValue('');
  await signIn(page, ada);
  await expect(page).toHaveURL(/\/chat$/);
});

test('a page behind the sign-in leads there and back', async ({ page }) => {
  const ada = somebody();
  await page.goto('/settings/api-keys');
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByRole('main').getByRole('link', { name: 'Create an account' }).click();
  await signUp(page, ada);
  await page.context().clearCookies();
  await page.goto('/settings/api-keys');
  await signIn(page, ada);
  await expect(page).toHaveURL(/\/settings\/api-keys$/);
});
