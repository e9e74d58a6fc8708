// Reading while it is written: who moves the page, and that nothing moves for those who want no motion.
import { expectAccessible } from '../support/accessible';
import { Chat, discussed, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

const LONG = 'write 400 words about tides';

test.beforeEach(async ({ app, context }) => {
  await enter(context, app.url);
});

test('the end stays in sight until the reader moves up; one press leads back', async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 500 });
  const chat = new Chat(page);
  await open(page, '/chat');
  await chat.ask(LONG);
  const away = () => page.locator('.scroll').evaluate((frame) => frame.scrollHeight - frame.clientHeight - frame.scrollTop);
  await chat.halfway(120);
  await expect.poll(away).toBeLessThan(40);
  await page.locator('.scroll').hover();
  await page.mouse.wheel(0, -300);
  const place = () => page.locator('.scroll').evaluate((frame) => frame.scrollTop);
  await expect.poll(away).toBeGreaterThan(100);
  const before = await place();
  await chat.halfway(200);
  expect(await place(), 'the reader is not moved').toBe(before);
  await page.getByRole('button', { name: 'Latest' }).click();
  await expect.poll(away).toBeLessThan(40);
  await chat.ended();
  await expect.poll(away).toBeLessThan(40);
});

test('a long conversation opens at its end', async ({ page, app }) => {
  const id = await discussed(page, app.url, 'show me Markdown', 'show me Markdown, please');
  await open(page, `/chat/${id}`);
  await expect(page.getByText('That was all.').last()).toBeInViewport();
});

test('an answer that is being written is accessible, and only its beginning and end are read out', async ({ page }) => {
  const chat = new Chat(page);
  await open(page, '/chat');
  const said = page.locator('[aria-live=polite]');
  await chat.ask('count to 100');
  await expect(said).toHaveText('Generating…');
  await chat.halfway();
  await expectAccessible(page);
  await chat.ended();
  await expect(said).toHaveText('Response complete, 100 words');
  await expect(chat.log).toHaveAttribute('aria-live', 'off');
});

test.describe('those who want no motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });

  test('see none while they talk', async ({ page }) => {
    const chat = new Chat(page);
    await open(page, '/chat');
    await chat.ask('count to 60');
    await chat.halfway();
    const moving = await page.evaluate(() =>
      document
        .getAnimations()
        .filter((one) => one.playState === 'running' && Number(one.effect?.getComputedTiming().activeDuration ?? 0) > 1)
        .map((one) => (one as CSSAnimation).animationName ?? (one as CSSTransition).transitionProperty),
    );
    expect(moving).toEqual([]);
    await chat.ended();
  });
});
