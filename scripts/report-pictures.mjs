// Draws the pictures of docs/how-to/report.md: starts a sandbox, sends requests through its edge, makes the page with zt report, and
// photographs it with Debian's Chromium, light and dark. Run it by hand when the page changes: npm run build, then
// node scripts/report-pictures.mjs.
import {execFile} from 'node:child_process'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import {pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import {chromium} from 'playwright-core'

const root = path.resolve(import.meta.dirname, '..')
const home = await mkdtemp(path.join(os.tmpdir(), 'zt-pictures-'))
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(ZT|CLOUDFLARE|CF_ACCESS|TUNNEL)_/.test(name)),
)
for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE'])
  env[`XDG_${kind}_HOME`] = path.join(home, kind.toLowerCase())

const zt = async (...argv) =>
  (await promisify(execFile)(process.execPath, [path.join(root, 'bin', 'zt.cjs'), ...argv], {env, cwd: home}))
    .stdout

const DAY = 86_400_000
const inDays = (days) => new Date(Date.now() + days * DAY).toISOString().replace(/\.\d+Z$/, 'Z')
const zone = 'widgetcorp.tech'
const TOKENS = {
  backup: 34,
  deploy: 19,
  'gitlab-runner': 210,
  metrics: 330,
  mirror: -12,
  nightly: 96,
  scanner: 98,
  terraform: 260,
}
/** Who may enter, and how often each of them does. */
const APPS = {
  Build: {'gitlab-runner': 31, nightly: 12, mirror: 0},
  GitLab: {deploy: 9, 'gitlab-runner': 44, mirror: 0, scanner: 5},
  Grafana: {metrics: 60, terraform: 3},
  Postgres: {backup: 14, nightly: 0},
  Registry: {deploy: 22, 'gitlab-runner': 17, scanner: 0},
  Vault: {backup: 0, deploy: 8, terraform: 6},
}
const created_at = inDays(-200)
const seed = {
  accounts: [{id: '2f5a7c10b3d94e6f8a1c0d2e3f405162', name: 'Widgetcorp', type: 'standard'}],
  zones: [
    {
      id: '9a7806061c88ada191ed06f989cc3dac',
      name: zone,
      status: 'active',
      account: {id: '2f5a7c10b3d94e6f8a1c0d2e3f405162'},
    },
  ],
  service_tokens: Object.entries(TOKENS).map(([name, days]) => ({
    ...{id: `token-${name}`, name, client_id: `${name}.access`, client_secret: `secret-of-${name}`},
    ...{created_at, expires_at: inDays(days)},
  })),
  policies: Object.entries(APPS).map(([app, who]) => ({
    ...{id: `policy-${app}`, name: `${app} machines`, decision: 'non_identity', created_at},
    include: Object.keys(who).map((name) => ({service_token: {token_id: `token-${name}`}})),
    require: app === 'Vault' ? [{geo: {country_code: 'DE'}}] : [],
  })),
  apps: Object.keys(APPS).map((name) => ({
    ...{id: `app-${name}`, name, type: 'self_hosted', domain: `${name.toLowerCase()}.${zone}`, created_at},
    policies: [{id: `policy-${name}`, precedence: 1}],
  })),
}

function send(edge, ca, host, token) {
  const [address, port] = edge.split(':')
  const headers = {
    host,
    'CF-Access-Client-Id': `${token}.access`,
    'CF-Access-Client-Secret': `secret-of-${token}`,
  }
  return new Promise((resolve, reject) => {
    https
      .get({host: address, port, servername: host, ca, headers, path: '/'}, (answer) =>
        answer.resume().once('end', resolve),
      )
      .once('error', reject)
  })
}

try {
  await writeFile(path.join(home, 'seed.json'), JSON.stringify(seed))
  await zt('sandbox', 'start', '--seed', 'seed.json', '--country-of', '127.0.0.0/8=DE')
  await zt('profile', 'use', 'sandbox')
  const config = JSON.parse(await readFile(path.join(home, 'config', 'zt', 'config.json'), 'utf8'))
  const {connectTo, caFile} = config.profiles.sandbox
  const ca = await readFile(caFile)
  for (const [app, who] of Object.entries(APPS))
    for (const [token, times] of Object.entries(who))
      for (let sent = 0; sent < times; sent++)
        await send(connectTo, ca, `${app.toLowerCase()}.${zone}`, token)
  const page = path.join(home, 'review.html')
  await zt('report', '--html', page)
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    chromiumSandbox: process.getuid?.() !== 0,
  })
  for (const colorScheme of ['light', 'dark']) {
    const shown = await browser.newPage({viewport: {width: 1100, height: 900}, colorScheme})
    await shown.goto(pathToFileURL(page).href)
    await shown.locator('#tokens button.fold').nth(1).click()
    // The beginning of the page, and the matrix: findings are a long list.
    await shown.locator('#findings').evaluate((one) => one.remove())
    await shown.evaluate(() => {
      document.activeElement.blur()
      scrollTo(0, 0)
    })
    await shown.screenshot({
      path: path.join(root, 'docs', 'pictures', `report-${colorScheme}.png`),
      clip: {x: 0, y: 0, width: 1100, height: 1180},
      fullPage: true,
    })
  }
  await browser.close()
} finally {
  await zt('sandbox', 'stop').catch(() => undefined)
  await rm(home, {recursive: true, force: true})
}
