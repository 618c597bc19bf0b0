import fs from 'node:fs/promises'
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import {againstSchema} from '../support/json-schemas.js'
import {documentsIn} from '../support/json-documents.js'
import {COMMANDS, CommandWorld} from '../support/command-harness.js'

/** What the process that carries a connection prints of its own failure. */
const PROXY_FAILURE = '{"error":{"code":"ACCESS_REFUSED"}}\n'
vi.doMock('../../src/lib/tunnel/proxy/main.js', () => ({
  main: async () => {
    process.stderr.write(PROXY_FAILURE)
    return 10
  },
}))

const HOST = 'gitlab.widgetcorp.tech'
let zt: CommandWorld
let report: object

beforeAll(async () => {
  zt = await CommandWorld.open()
  const {kill} = process
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    if (pid !== process.pid || typeof signal !== 'string') return kill.call(process, pid, signal)
    process.stderr.write(`ended by ${signal}\n`)
    return true
  })
})
afterAll(async () => {
  vi.restoreAllMocks()
  await zt.end()
})

const endsBy = (signal: string): string =>
  `process.kill(process.pid, '${signal}'); setInterval(() => 0, 1000)`

/** In place of ssh: leaves the proxy's report, if there is one, and then ends so. */
async function ssh(ends: string, reports: object | undefined): Promise<void> {
  const leave = `
const fs = require('fs')
const path = require('path')
if (process.argv.includes('-G')) process.exit(0)
fs.mkdirSync(path.dirname(process.env.ZT_SSH_REPORT), {recursive: true, mode: 0o700})
fs.writeFileSync(process.env.ZT_SSH_REPORT, ${JSON.stringify(JSON.stringify(reports))}, {mode: 0o600})
`
  await zt.program('ssh', (reports ? leave : `if (process.argv.includes('-G')) process.exit(0)\n`) + ends)
}

/** In place of curl: the edge's answer, and its end. */
async function curl(status: number, ends: string): Promise<void> {
  await zt.program(
    'curl',
    `
const [, mark] = /%\\{stderr\\}(.*?)%\\{http_code\\}/.exec(require('fs').readFileSync(0, 'utf8'))
process.stderr.write(mark + [${status}, 'https://t.cloudflareaccess.com/cdn-cgi/access/login/${HOST}?kid=1', '', '', '', '', ''].join('\\t') + mark)
${ends}`,
  )
}

const execBy = (signal: string): Row => ({
  what: `zt exec whose command ends by ${signal}`,
  line: ['exec', 'deploy', '--json', '--', process.execPath, '-e', endsBy(signal)],
  has: {signal},
  endedBy: signal,
})

interface Row {
  what: string
  line: string | string[]
  make?: () => Promise<unknown> | void
  /** What the document has. */
  has: object
  exitCode?: number
  endedBy?: string
}

const refused = {error: {code: 'ACCESS_REFUSED'}}

const ROWS: Row[] = [
  {what: 'zt ssh whose proxy could not connect', make: () => ssh('process.exitCode = 255', report), line: `ssh ${HOST} --json`, has: refused, exitCode: 255},
  {what: 'zt ssh that ends by a signal with a report', make: () => ssh(endsBy('SIGTERM'), report), line: `ssh ${HOST} --json`, has: refused, endedBy: 'SIGTERM'},
  {what: 'zt ssh that ends by a signal', make: () => ssh(endsBy('SIGHUP'), undefined), line: `ssh ${HOST} --json`, has: {host: HOST, signal: 'SIGHUP'}, endedBy: 'SIGHUP'},
  {what: 'zt ssh without ssh', line: `ssh ${HOST} --json`, has: {error: {code: 'SSH_NOT_FOUND'}}, exitCode: 9},
  {what: 'zt ssh proxy', line: `ssh proxy ${HOST} --json`, has: refused, exitCode: 10},
  execBy('SIGTERM'),
  execBy('SIGINT'),
  execBy('SIGHUP'),
  {what: 'zt exec without the command', line: 'exec deploy --json -- nothing', has: {error: {code: 'COMMAND_NOT_FOUND'}}, exitCode: 127},
  {what: 'zt curl that Access refuses', make: () => curl(302, ''), line: `curl https://${HOST}/ --json`, has: refused, exitCode: 10},
  {what: 'zt curl that ends by a signal', make: () => curl(0, endsBy('SIGTERM')), line: `curl https://${HOST}/ --json`, has: {host: HOST, signal: 'SIGTERM'}, endedBy: 'SIGTERM'},
  {what: 'zt forward that does not start', line: `forward ${HOST} --listen nowhere --json`, has: {error: {code: 'BAD_LISTEN'}}, exitCode: 2},
  {what: 'zt ssh check of a host that nothing reaches', line: `ssh check ${HOST} --connect-to nowhere.invalid:443 --json`, has: {host: HOST, ok: false}, exitCode: 8},
  {what: 'zt store move that fails', make: async () => fs.rm(`${zt.home}/DATA/zt/vault`, {recursive: true}), line: 'store move helper:none --json', has: {error: {code: 'STORE_NOT_READY'}}, exitCode: 9},
  {what: 'zt sandbox start --foreground', line: 'sandbox start --foreground --seed nothing.json --json', has: {error: {code: 'BAD_SEED'}}, exitCode: 2},
  {what: 'zt app list that may not list', make: () => { zt.api.spoil({method: 'GET', path: '/apps', action: {do: 'refuse', status: 403}}) }, line: 'app list --json', has: {error: {kind: 'permission'}}, exitCode: 4},
] // prettier-ignore

describe('one command with --json', () => {
  beforeEach(async () => {
    await zt.reset()
    const {token} = await zt.json('token create deploy')
    const {id, clientId} = token as {id: string; clientId: string}
    await zt.json('app add-rule GitLab --service-auth --token deploy')
    const error = {kind: 'refused', code: 'ACCESS_REFUSED', message: 'no', why: [], next: [], details: {}}
    const answer = {by: 'access', status: 302, reason: 'login', ray: 'a1-ZT'}
    report = {version: 2, host: HOST, tokenId: id, clientId, error, answer}
  })

  it.each(ROWS)(
    'prints one JSON document, before it ends: $what',
    async ({line, make, has, exitCode, endedBy}) => {
      await make?.()
      const end = await zt.run(line)
      const [document, ...more] = [...documentsIn(end.stdout), ...documentsIn(end.stderr)]
      expect(more).toEqual([])
      expect(document).toMatchObject(has)
      if (endedBy === undefined) expect(end.exitCode).toBe(exitCode)
      else expect(end.stderr).toMatch(new RegExp(`\\}\\nended by ${endedBy}\\n$`))
    },
  )
})

it.each([...COMMANDS.keys()])('zt %s prints one JSON document for a wrong command line', async (id) => {
  const {stdout, stderr} = await zt.run(`${id} --no-such-flag --json`)
  const [document, ...more] = [...documentsIn(stdout), ...documentsIn(stderr)]
  expect(more).toEqual([])
  expect(againstSchema('error', document ?? {})).toMatchObject({error: {code: 'BAD_COMMAND_LINE'}})
})
