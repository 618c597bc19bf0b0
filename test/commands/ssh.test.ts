import fs from 'node:fs/promises'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('ssh')
const HOST = 'gitlab.widgetcorp.tech'

/** In place of ssh: writes down how it was called, leaves the proxy's report that it finds beside it, and ends with 3. */
const SSH = `
const fs = require('fs')
if (process.argv.includes('-G')) {
  console.log('hostname ' + (process.argv.at(-1) === 'gl' ? 'GITLAB.widgetcorp.tech' : process.argv.at(-1)))
  process.exit(0)
}
const {ZT_SSH_REPORT: report} = process.env
fs.writeFileSync(__dirname + '/call.json', JSON.stringify({args: process.argv.slice(2)}))
if (fs.existsSync(__dirname + '/report.json')) {
  fs.mkdirSync(require('path').dirname(report), {recursive: true, mode: 0o700})
  fs.writeFileSync(report, fs.readFileSync(__dirname + '/report.json'), {mode: 0o600})
}
process.exitCode = 3
`
const args = async (): Promise<string[]> =>
  (JSON.parse(await fs.readFile(scene.zt.file('bin/call.json'), 'utf8')) as {args: string[]}).args
const proxyCommand = async (): Promise<string> =>
  (await args()).find((word) => word.startsWith('ProxyCommand=')) ?? ''

beforeEach(async () => {
  const {zt} = scene
  await zt.program('ssh', SSH)
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy')
})

it('runs ssh through the tunnel, and ends as it ends', async () => {
  const {zt} = scene
  const result = await zt.json(`ssh git@${HOST} -- -v`, {ends: 3})
  expect(result).toMatchObject({host: HOST, token: {name: 'deploy'}, exitCode: 3, signal: null})
  expect((await args()).slice(-2)).toEqual([`git@${HOST}`, '-v'])
  expect(await proxyCommand()).toContain('ssh proxy')
  const {stdout, stderr} = await zt.run(`ssh ${HOST}`)
  expect(stdout + stderr).toBe('')
})

it('passes on what carries the connection, and whether it is shared', async () => {
  const {zt} = scene
  await zt.run(`ssh ${HOST} --no-share --client cloudflared --connect-to 127.0.0.1:8443 --ca-file /ca.pem`)
  const command = await proxyCommand()
  for (const word of ['cloudflared', '127.0.0.1:8443', '/ca.pem']) expect(command).toContain(word)
  expect((await args()).join(' ')).toContain('ControlMaster no')
  await zt.run(`ssh ${HOST} --share`)
  expect((await args()).join(' ')).toContain('ControlMaster auto')
})

it('sends a secret to a host that is not bound only where that was confirmed', async () => {
  const {zt} = scene
  const other = 'ssh build.widgetcorp.tech --token deploy'
  await zt.failsWithoutAsking(other, 'needs-action', 'TOKEN_NOT_BOUND')
  await zt.fails(other, 'cancelled', 'CANCELLED', {answers: [false]})
  await expect(args()).rejects.toThrow('ENOENT')
  expect((await zt.run(other, {answers: [true]})).exitCode).toBe(3)
  expect(await zt.json(`${other} --yes`, {ends: 3})).toMatchObject({host: 'build.widgetcorp.tech'})
})

it('asks for the host', async () => {
  const {zt} = scene
  expect((await zt.run('ssh', {answers: [HOST]})).asked).toHaveLength(1)
  await zt.failsWithoutAsking('ssh')
})

it('opens an alias of ssh as the host that it is, by the name that ssh knows', async () => {
  const {zt} = scene
  const {stderr} = await zt.run('ssh me@gl')
  expect(stderr).toContain(`gl is ${HOST}`)
  expect((await args()).at(-1)).toBe('me@gl')
  expect(await proxyCommand()).toMatch(new RegExp(` ${HOST}$`))
  const shared = (await args()).find((word) => word.startsWith('ControlPath '))
  expect(await zt.json('ssh gl', {ends: 3})).toMatchObject({host: HOST, alias: 'gl', exitCode: 3})
  await zt.run(`ssh ${HOST}`)
  expect((await args()).find((word) => word.startsWith('ControlPath '))).not.toBe(shared)
  await zt.fails('ssh gl2', 'not-found', 'ALIAS_NOT_FOUND')
})

it('explains what the proxy left, beside how ssh ended', async () => {
  const {zt} = scene
  const {id, clientId} = (await zt.json('token show deploy'))['token'] as {id: string; clientId: string}
  await zt.json('token disable deploy')
  const error = {kind: 'refused', code: 'ACCESS_REFUSED', message: 'no', why: [], next: [], details: {}}
  const answer = {by: 'access', status: 302, reason: 'login', ray: 'a1-ZT'}
  const report = {version: 2, host: HOST, tokenId: id, clientId, error, answer}
  await fs.writeFile(zt.file('bin/report.json'), JSON.stringify(report))
  const {exitCode, stderr} = await zt.run(`ssh ${HOST}`)
  expect(exitCode).toBe(3)
  expect(stderr).toContain('disabled')
  expect(stderr).toContain('zt token enable deploy')
})

it('fails where ssh cannot be run', async () => {
  const {zt} = scene
  await zt.fails('ssh wiki.widgetcorp.tech', 'not-found', 'HOST_NOT_BOUND')
  await zt.fails(`ssh ${HOST} --token nothing`, 'not-found', 'STORED_TOKEN_NOT_FOUND')
  await zt.fails(['ssh', 'not a host'], 'usage', 'BAD_HOSTNAME')
  await zt.fails(`ssh ${HOST} --client pigeon`, 'usage', 'BAD_COMMAND_LINE')
  await fs.rm(zt.file('bin/ssh'))
  await zt.fails(`ssh ${HOST}`, 'needs-action', 'SSH_NOT_FOUND')
})
