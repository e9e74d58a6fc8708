// Every page, by day and by night, wide and narrow: axe finds nothing, and nothing has to be scrolled sideways.
import type { Page } from '@playwright/test';

import { expectAccessible, expectFits, inBothThemes } from '../support/accessible';
import { QUICK } from '../support/app';
import { discussed, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter, signIn, somebody } from '../support/people';

test.use({ settings: { ...QUICK, TROUPE_GALLERY: 'on' } });

const NARROW = { width: 320, height: 640 };

async function check(page: Page): Promise<void> {
  const wide = page.viewportSize() ?? NARROW;
  await inBothThemes(page, async () => {
    for (const size of [wide, NARROW]) {
      await page.setViewportSize(size);
      await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
      await expectAccessible(page);
      await expectFits(page);
    }
  });
  await page.setViewportSize(wide);
}

test.describe('public pages', () => {
  for (const path of ['/', '/sign-up', '/sign-in']) {
    test(path, async ({ page }) => {
      await page.goto(path);
      await check(page);
    });
  }

  test('a form that was refused', async ({ page, strict }) => {
    strict.allow(/^422 POST /);
    await page.goto('/sign-in');
    await signIn(page, somebody());
    await expect(page.getByRole('alert')).toBeVisible();
    await check(page);
  });

  test('a page that is not there', async ({ page, strict }) => {
    strict.allow(/^404 GET .*\/nowhere$/);
    await page.goto('/nowhere');
    await check(page);
  });
});

test.describe('the workspace', () => {
  test.beforeEach(async ({ app, context }) => {
    await enter(context, app.url);
  });

  test('/chat', async ({ page }) => {
    await open(page, '/chat');
    await check(page);
  });

  test('a conversation with everything in it', async ({ page, app }) => {
    const id = await discussed(page, app.url, 'show me Markdown', 'think about tides and cite sources', 'what time is it', 'fail with unauthorized');
    await open(page, `/chat/${id}`);
    await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
    await check(page);
  });

  test('/settings/api-keys, empty, with a key, and its dialogs', async ({ page }) => {
    await open(page, '/settings/api-keys');
    await check(page);
    await page.getByRole('button', { name: 'New key' }).first().click();
    await expectAccessible(page);
    await page.getByLabel('Name').fill('A script');
    await page.getByRole('button', { name: 'Make key' }).click();
    await expect(page.getByText('It is not shown again')).toBeVisible();
    await check(page);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await expectAccessible(page);
  });

  test('a page that is not there', async ({ page, strict }) => {
    strict.allow(/^404 GET /);
    await open(page, '/chat/0192f0c1-2345-7abc-8def-0123456789ab');
    await expect(page.getByText('not_found')).toBeVisible();
    await check(page);
  });

  test('/dev/gallery', async ({ page }) => {
    await page.goto('/dev/gallery');
    await check(page);
  });

  test('the palette, the list of keys and the menus', async ({ page, app }) => {
    const id = await discussed(page, app.url, 'hello');
    await open(page, `/chat/${id}`);
    await inBothThemes(page, async () => {
      await page.keyboard.press('ControlOrMeta+k');
      await expect(page.getByRole('option').first()).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.keyboard.press('ControlOrMeta+/');
      await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByTitle(/^Account of /).click();
      await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
    });
  });

  test('the drawer of a narrow screen', async ({ page, app }) => {
    const id = await discussed(page, app.url, 'hello');
    await page.setViewportSize(NARROW);
    await open(page, `/chat/${id}`);
    await page.getByRole('button', { name: 'Open sidebar' }).click();
    await expect(page.getByRole('link', { name: 'New chat' })).toBeVisible();
    // The page behind the drawer is inert, and with it its landmark and heading.
    await inBothThemes(page, () => expectAccessible(page, 'landmark-one-main', 'page-has-heading-one'));
    await page.getByRole('link', { name: 'New chat' }).click();
    await expect(page).toHaveURL(/\/chat$/);
    await expect(page.getByRole('link', { name: 'New chat' })).toBeHidden();
  });
});
