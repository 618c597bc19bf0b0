import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {CommandWorld, type RunOptions} from '../support/command-harness.js'

const HOST = 'build.widgetcorp.tech'
const URL = `https://${HOST}/api`
const SECRET = 'the-secret-of-the-environment'
const PAIR = {TUNNEL_SERVICE_TOKEN_ID: 'the-id.access', TUNNEL_SERVICE_TOKEN_SECRET: SECRET}
/** A job: the pair, and nothing else. */
const JOB = {...PAIR, CLOUDFLARE_API_TOKEN: undefined}
const NOTE = `note:  Sending the service token of the environment (TUNNEL_SERVICE_TOKEN_ID) to ${HOST}\n`

/** In place of ssh and curl: writes down how it was called. */
const PROGRAM = `
const fs = require('fs')
if (process.argv.includes('-G')) {
  const file = process.argv[process.argv.indexOf('-F') + 1]
  const [, command] = /ProxyCommand (.*)/.exec(fs.readFileSync(file, 'utf8')) || []
  console.log('proxycommand ' + command)
  process.exit(0)
}
const input = __filename.endsWith('curl') ? fs.readFileSync(0, 'utf8') : ''
fs.writeFileSync(__dirname + '/call.json', JSON.stringify({args: process.argv.slice(2), input}))
const [, mark] = /%\\{stderr\\}(.*?)%\\{http_code\\}/.exec(input) || []
if (mark) process.stderr.write(mark + [200, '', '', '', '', '', ''].join('\\t') + mark)
`

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open()
})
beforeEach(async () => {
  await zt.reset()
  for (const name of ['ssh', 'curl']) await zt.program(name, PROGRAM)
})
afterAll(async () => zt.end())

const noConfiguration = (): Promise<void> => fs.rm(path.join(zt.home, 'CONFIG'), {recursive: true})
const call = async (): Promise<{args: string[]; input: string}> =>
  JSON.parse(await fs.readFile(zt.file('bin/call.json'), 'utf8')) as {args: string[]; input: string}

describe('a pair in the environment, and no configuration', () => {
  beforeEach(noConfiguration)

  it.each<[where: string, options: RunOptions]>([
    ['without a terminal', {}],
    ['on a terminal', {answers: []}],
  ])('goes to the host of the command line, and zt says so in one line, %s', async (_, options) => {
    const curl = await zt.run(`curl ${URL}`, {env: JOB, ...options})
    expect(curl).toMatchObject({exitCode: 0, stderr: NOTE, asked: []})
    const {args, input} = await call()
    expect(input).toContain(SECRET)
    expect(args.join(' ')).not.toContain(SECRET)
    const ssh = await zt.run(`ssh git@${HOST}`, {env: JOB, ...options})
    expect(ssh).toMatchObject({exitCode: 0, stderr: NOTE, asked: []})
    const words = (await call()).args.join(' ')
    expect(words).toContain(`--token env --yes ${HOST}`)
    expect(words).not.toContain(SECRET)
    const listening = {onOutput: () => process.emit('SIGHUP')}
    const forward = await zt.run(`forward ${HOST}`, {env: JOB, ...options, ...listening})
    expect(forward).toMatchObject({exitCode: 0, stderr: NOTE, asked: []})
  })

  it('is named in the result', async () => {
    expect(await zt.json(`curl ${URL}`, {env: JOB})).toMatchObject({
      ...{host: HOST, token: {id: 'env', name: 'TUNNEL_SERVICE_TOKEN_ID'}},
    })
  })

  it('is for the hosts of ZT_HOSTS alone, if that is set', async () => {
    const env = {...JOB, ZT_HOSTS: 'other.widgetcorp.tech'}
    for (const line of [
      `curl ${URL}`,
      `curl ${URL} --yes`,
      `ssh ${HOST}`,
      `forward ${HOST}`,
      `ssh check ${HOST}`,
    ])
      await zt.fails(line, 'needs-action', 'TOKEN_NOT_BOUND', {env})
    await expect(call()).rejects.toThrow('ENOENT')
    expect((await zt.run(`curl ${URL} --token env --yes`, {env})).stderr).not.toContain('Sending')
    const listed = {...JOB, ZT_HOSTS: '*.widgetcorp.tech'}
    expect((await zt.run(`curl ${URL}`, {env: listed})).stderr).toContain(NOTE)
  })

  it('fails for a host in ZT_HOSTS that is none, half a pair and two pairs', async () => {
    for (const hosts of ['https://x.example.com', '*', '*.com', 'a b@c', 'x.example.com:22'])
      await zt.fails(`curl ${URL}`, 'usage', 'BAD_HOSTS', {env: {...JOB, ZT_HOSTS: hosts}})
    for (const [hosts, next] of [
      ['https://x.example.com/a y.example.com:22', 'export ZT_HOSTS=x.example.com,y.example.com'],
      ['x.example.com:22,*.example.com', 'Set it to x.example.com,*.example.com'],
      ['x.example.com:22,*', 'unset ZT_HOSTS'],
    ] as const)
      expect(
        await zt.fails(`curl ${URL}`, 'usage', 'BAD_HOSTS', {env: {...JOB, ZT_HOSTS: hosts}}),
      ).toMatchObject({next: [next]})
    const half = {...JOB, TUNNEL_SERVICE_TOKEN_SECRET: undefined}
    await zt.fails(`curl ${URL}`, 'usage', 'HALF_A_PAIR', {env: half})
    const two = {...JOB, CF_ACCESS_CLIENT_ID: 'x', CF_ACCESS_CLIENT_SECRET: 'y'}
    await zt.fails(`curl ${URL}`, 'usage', 'TWO_PAIRS', {env: two})
  })

  it('is read by the block of ssh config, which holds neither half and says so', async () => {
    const file = zt.file('config')
    const end = await zt.run(`ssh config git@${HOST} --write --yes --file ${file}`, {env: JOB})
    expect(end.exitCode, end.stderr).toBe(0)
    expect(end.stderr).toContain(`(TUNNEL_SERVICE_TOKEN_ID) to ${HOST}, and holds no secret`)
    const text = await fs.readFile(file, 'utf8')
    expect(text).toContain(`--token env --yes ${HOST}`)
    expect(text).not.toMatch(/the-id|the-secret/)
  })

  it('is what zt exec gives a command, under its own names and no other', async () => {
    const record = "require('fs').writeFileSync(__dirname + '/call.json', JSON.stringify(process.env))"
    await zt.program('program', record)
    await zt.run('exec env -- program', {env: JOB})
    const env = (await call()) as unknown as Record<string, string>
    expect(env).toMatchObject({CF_ACCESS_CLIENT_ID: 'the-id.access', CF_ACCESS_CLIENT_SECRET: SECRET})
    expect(Object.keys(env).filter((name) => name.startsWith('TUNNEL_'))).toEqual([])
    await zt.run('exec env --id-var A --secret-var B -- program', {env: JOB})
    expect(await call()).toMatchObject({...PAIR, A: 'the-id.access', B: SECRET})
  })
})

describe('a pair in the environment, and a profile', () => {
  it('is used without a terminal, and said', async () => {
    expect(await zt.run(`curl ${URL}`, {env: JOB})).toMatchObject({exitCode: 0, stderr: NOTE})
  })

  it('is offered on a terminal; no flag but --token env --yes takes the place of the answer', async () => {
    for (const line of [`curl ${URL}`, `ssh ${HOST}`]) {
      await zt.fails(line, 'cancelled', 'CANCELLED', {env: JOB, answers: [false]})
      for (const flag of ['--no-input', '--no-input --yes'])
        await zt.fails(`${line} ${flag}`, 'needs-action', 'TOKEN_NOT_BOUND', {env: JOB, answers: []})
      await expect(call()).rejects.toThrow('ENOENT')
    }
    const end = await zt.run(`curl ${URL}`, {env: JOB, answers: [true]})
    expect(end.asked).toEqual([
      `Send the service token of the environment (TUNNEL_SERVICE_TOKEN_ID) to ${HOST} this once?`,
    ])
    expect(end).toMatchObject({exitCode: 0, stderr: NOTE})
    expect(await zt.run(`curl ${URL} --token env --yes`, {env: JOB, answers: []})).toMatchObject({
      ...{exitCode: 0, stderr: '', asked: []},
    })
  })

  it('is offered whichever profile the file of a project names', async () => {
    await zt.writeConfig({currentProfile: 'work', profiles: {work: zt.profile}})
    await fs.writeFile(zt.file('.zt.json'), '{"profile":"default"}')
    const line = `curl ${URL}`
    await zt.fails(line, 'cancelled', 'CANCELLED', {env: JOB, answers: [false]})
    await zt.fails(`${line} --no-input`, 'needs-action', 'TOKEN_NOT_BOUND', {env: JOB, answers: []})
  })

  it('is offered for a block of ssh config; without it the block is that of a host without a token', async () => {
    const line = `ssh config ${HOST} --write --dry-run --file ${zt.file('config')}`
    const yes = await zt.run(line, {env: JOB, answers: [true]})
    expect(yes.asked).toEqual([`Let the block send the service token of the environment to ${HOST}?`])
    expect(yes.stdout).toContain('--token env --yes')
    for (const [more, answers] of [
      ['', [false]],
      [' --no-input', []],
    ] as const) {
      const end = await zt.run(line + more, {env: JOB, answers: [...answers]})
      expect(end.stdout).not.toContain('--token')
      expect(end.stderr).toContain('No service token is bound')
    }
  })
})
