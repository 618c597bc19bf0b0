import {accessSync, constants} from 'node:fs'
import {chromium, type Browser, type Page} from 'playwright-core'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
})

/** Why there is no browser for a test; undefined: there is one. A test that needs it is skipped for this reason, aloud. */
const chromiumMissing =
  program === undefined ? 'there is no chromium (Debian: apt-get install chromium)' : undefined

/** Says on stderr that tests are skipped for want of a browser. @returns whether they are, for `describe.skipIf` */
export function skippedWithoutChromium(what: string): boolean {
  if (chromiumMissing !== undefined) process.stderr.write(`SKIPPED: ${what}: ${chromiumMissing}\n`)
  return chromiumMissing !== undefined
}

/** A headless Chromium without limits of its own: the test's is the only one. Whoever starts it closes it. */
export async function startChromium(args: string[] = []): Promise<Browser> {
  if (program === undefined) throw new Error(chromiumMissing)
  // As root, which CI is, Chromium's sandbox does not start.
  return chromium.launch({
    executablePath: program,
    args,
    chromiumSandbox: process.getuid?.() !== 0,
    timeout: 0,
  })
}

export interface ObservedPage {
  page: Page
  /** What the page reported: messages on its console that are errors or warnings, exceptions, requests that failed. */
  complaints: string[]
  /** The addresses that it asked for, its own included. */
  requests: string[]
}

/** A page in a profile of its own, and what it complains about. */
export async function observedPage(
  browser: Browser,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<ObservedPage> {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(0)
  page.setDefaultNavigationTimeout(0)
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`))
  page.on('requestfailed', (request) => complaints.push(`not loaded: ${request.url()}`))
  page.on('request', (request) => requests.push(request.url()))
  return {page, complaints, requests}
}
