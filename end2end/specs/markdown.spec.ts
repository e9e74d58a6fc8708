// What people and models write is text: it never becomes markup, a script or a request.
import { QUICK } from '../support/app';
import { Chat, discussed, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter } from '../support/people';

test.use({ settings: QUICK });

const NASTY = [
  'Look: <script>document.body.title = "owned"</script>',
  '<img src="https://example.com/t.png" onerror="document.body.title = 1">',
  '[press me](javascript:document.body.title="owned")',
  '![a picture](https://example.com/p.png)',
  '[a good one](https://example.com/good)',
].join(' and ');

for (const when of ['while it is written', 'when it is loaded']) {
  test(`nothing in a message runs or loads anything, ${when}`, async ({ page, app, context }) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await enter(context, app.url);
    const id = await discussed(page, app.url, NASTY, ...(when === 'when it is loaded' ? ['what did I say'] : []));
    await open(page, `/chat/${id}`);
    const chat = new Chat(page);
    if (when === 'while it is written') {
      await chat.ask('what did I say');
      await chat.ended();
    }
    await expect(chat.said.first()).toContainText(NASTY);
    await expect(chat.text).toContainText('<script>document.body.title = "owned"</script>');
    await expect(chat.text).toContainText('<img src="https://example.com/t.png"');
    await expect(chat.log.locator('img, script, iframe')).toHaveCount(0);
    await expect(chat.text.getByRole('link')).toHaveText([/t\.png/, 'a picture', 'a good one']);
    await expect(chat.text.getByRole('link', { name: 'press me' })).toHaveCount(0);
    for (const link of await chat.text.getByRole('link').all()) {
      expect(await link.getAttribute('href')).toMatch(/^https:\/\/example\.com\//);
      expect(await link.getAttribute('rel')).toContain('noopener');
    }
    expect(await page.locator('body').getAttribute('title')).toBeNull();
    expect(asked.filter((url) => !url.startsWith(app.url))).toEqual([]);
  });
}
