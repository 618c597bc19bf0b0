import fs from 'node:fs/promises'
import {createRequire} from 'node:module'
import os from 'node:os'
import path from 'node:path'
import {pathToFileURL} from 'node:url'
import type {AxeResults} from 'axe-core'
import type {Browser, Page} from 'playwright-core'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {changesSince} from '../../src/lib/report/changes.js'
import {visible} from '../../src/lib/core/text.js'
import {reportPage} from '../../src/lib/report/page.js'
import type {Report} from '../../src/lib/report/types.js'
import {observedPage, skippedWithoutChromium, startChromium, type ObservedPage} from '../support/chromium.js'
import {HOSTILE} from '../support/hostile-text.js'
import {renamed, reportOf} from './report-fixture.js'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** A report with everything that a page can show. */
function full(): Report {
  const report = reportOf({tokens: 6, applications: 6})
  const earlier = structuredClone(report)
  earlier.tokens[0]!.opens.pop()
  earlier.tokens[1]!.name = 'earlier'
  earlier.applications.pop()
  earlier.findings.pop()
  return {...report, notChecked: ['unused-rule: no record'], changes: changesSince(earlier, report)}
}

describe.skipIf(skippedWithoutChromium('the page of zt report in a browser'))('the page in Chromium', () => {
  let directory: string
  let browser: Browser
  beforeAll(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-page-'))
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser.close()
    await fs.rm(directory, {recursive: true, force: true})
  })

  let files = 0
  async function open(
    report: Report,
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<ObservedPage> {
    const file = path.join(directory, `${files++}.html`)
    await fs.writeFile(file, reportPage(report))
    const observed = await observedPage(browser, options)
    await observed.page.goto(pathToFileURL(file).href)
    return observed
  }

  const names = (page: Page, section: string): Promise<string[]> =>
    page.locator(`#${section} table.main > tbody:not([hidden]) > tr:first-child > th`).allInnerTexts()
  const isWide = (page: Page): Promise<boolean> =>
    page
      .locator('html')
      .evaluate((html: {scrollWidth: number; clientWidth: number}) => html.scrollWidth > html.clientWidth)

  it.each([
    ['light', {colorScheme: 'light'}],
    ['dark', {colorScheme: 'dark'}],
    ['narrow', {viewport: {width: 400, height: 800}}],
  ] as const)('complains of nothing, and axe finds nothing: %s', async (_, options) => {
    const {page, complaints, requests} = await open(full(), options)
    for (const fold of await page.locator('button.fold').all()) await fold.click()
    expect(await isWide(page)).toBe(false)
    expect(complaints).toEqual([])
    expect(requests).toEqual([page.url()])
    // The page's policy allows no other script; what the debugger runs is not bound by it.
    await page.evaluate(await fs.readFile(axe, 'utf8'))
    const {violations} = await page.evaluate(() =>
      (globalThis as unknown as {axe: {run(): Promise<AxeResults>}}).axe.run(),
    )
    expect(violations.map(({id, impact, nodes}) => [id, impact, nodes.map(({html}) => html)])).toEqual([])
    await page.close()
  })

  it('shows each name as text, whatever it is', async () => {
    for (const name of ['</script><img src=x onerror=alert(1)>', '"><b a="', "'`${x}<!--", HOSTILE]) {
      const {page, complaints, requests} = await open(
        renamed(reportOf({tokens: 2, applications: 2}), () => name),
      )
      const shown = await page.locator('#applications tbody > tr:first-child .name').first().textContent()
      expect(shown?.trim()).toBe(visible(name))
      expect([complaints, requests.length, await page.locator('img, b').count()]).toEqual([[], 1, 0])
      await page.close()
    }
  })

  it('sorts by a column with the keyboard, and back', async () => {
    const {page, complaints} = await open(reportOf())
    const before = await names(page, 'tokens')
    const head = page.locator('#tokens th', {hasText: 'Requests'}).first()
    await head.locator('button').focus()
    await page.keyboard.press('Enter')
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    const counts = await page
      .locator('#tokens .main > tbody > tr:first-child > td[data-l=Requests]')
      .evaluateAll((cells: {getAttribute: (name: string) => string | null}[]) =>
        cells.map((cell) => Number(cell.getAttribute('data-k'))),
      )
    expect(counts).toEqual([...counts].sort((a, b) => b - a))
    await page.keyboard.press('Space')
    expect(await head.getAttribute('aria-sort')).toBe('ascending')
    expect(await page.getByRole('status').innerText()).toBe('Service tokens: sorted by Requests, ascending')
    await page.locator('#tokens th button', {hasText: 'Service token'}).press('Enter')
    expect(await head.getAttribute('aria-sort')).toBe('none')
    expect((await names(page, 'tokens')).sort()).toEqual(before.sort())
    expect(complaints).toEqual([])
    await page.close()
  })

  it('has what never expires last in both directions', async () => {
    const {page} = await open(reportOf())
    const last = async (): Promise<string> =>
      page.locator('#tokens .main > tbody:last-of-type td[data-l=Expires]').innerText()
    for (let times = 0; times < 2; times++) {
      await page.locator('#tokens th button', {hasText: 'Expires'}).press('Enter')
      expect(await last()).toContain('never')
    }
    await page.close()
  })

  it('filters by words and by what needs attention, and says how much it shows', async () => {
    const {page} = await open(reportOf())
    await page.getByLabel('Filter by name').focus()
    await page.keyboard.type('GRAFANA metrics-2')
    expect(await names(page, 'tokens')).toEqual(['metrics-2'])
    await page.getByLabel('Filter by name').fill('no such name')
    expect(await names(page, 'tokens')).toEqual([])
    expect(await page.locator('#tokens .none').isVisible()).toBe(true)
    await page.getByLabel('Filter by name').fill('')
    await page.getByLabel('Show only').selectOption('Disabled or expired')
    expect(await page.getByRole('status').innerText()).toMatch(
      /^\d+ of \d+ findings, 3 of 12 service tokens, 0 of 16/,
    )
    await page.close()
  })

  it('unfolds a row with the keyboard, and all at once', async () => {
    const {page} = await open(reportOf())
    const [first, second] = [page.locator('#t0'), page.locator('#t1')]
    const fold = page.locator('#tokens button.fold').first()
    await fold.press('Enter')
    expect([
      await fold.getAttribute('aria-expanded'),
      await first.isVisible(),
      await second.isVisible(),
    ]).toEqual([...['true', true, false]])
    await page.getByRole('button', {name: 'Unfold all'}).press('Enter')
    expect(await second.isVisible()).toBe(true)
    await page.close()
  })

  it('is no wider than its window, from a phone to a desktop', async () => {
    const {page} = await open(full())
    for (const fold of await page.locator('button.fold').all()) await fold.click()
    for (const width of [320, 480, 640, 768, 896, 900, 1024, 1440]) {
      await page.setViewportSize({width, height: 900})
      expect([width, await isWide(page)]).toEqual([width, false])
    }
    await page.close()
  })

  it('prints every row, and no control', async () => {
    const {page} = await open(full())
    await page.emulateMedia({media: 'print'})
    for (const more of await page.locator('tr.more').all()) expect(await more.isVisible()).toBe(true)
    // A4 and Letter, with the browser's margins.
    await page.setViewportSize({width: 720, height: 1000})
    expect(await isWide(page)).toBe(false)
    for (const gone of ['#controls', 'nav', '.skip']) expect(await page.locator(gone).isVisible()).toBe(false)
    expect((await page.pdf()).length).toBeGreaterThan(10_000)
    await page.close()
  })

  it('is complete without its script', async () => {
    const {page, complaints} = await open(full(), {javaScriptEnabled: false})
    expect(await page.locator('#t0').isVisible()).toBe(true)
    expect(await page.locator('#controls').isVisible()).toBe(false)
    expect(await page.locator('button').count()).toBe(1)
    expect(complaints).toEqual([])
    await page.close()
  })

  it('takes 200 tokens and 500 applications', async () => {
    const {page, complaints} = await open(reportOf({tokens: 200, applications: 500, step: 19}))
    await page.locator('#tokens .main > thead button', {hasText: 'Unused'}).press('Enter')
    await page.locator('#applications .main > thead button', {hasText: 'Requests'}).press('Enter')
    await page.getByLabel('Filter by name').fill('gitlab')
    expect((await names(page, 'tokens')).length).toBeGreaterThan(20)
    await page.locator('#tokens tbody:not([hidden]) button.fold').first().press('Enter')
    expect(complaints).toEqual([])
    await page.close()
  })
})
