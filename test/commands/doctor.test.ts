import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeEach, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {forgetHealthy, makeHealthy} from '../doctor/local-faults.js'
import {commandTests} from '../support/command-harness.js'
import {LEAVE} from '../support/scripted-person.js'

const scene = commandTests('doctor')
beforeEach(() => makeHealthy(scene.zt))
afterAll(forgetHealthy)

const identity = (): string => path.join(scene.zt.home, 'CONFIG', 'zt', 'identity.txt')
const stateOf = ({findings}: JsonObject, id: string): unknown =>
  (findings as JsonObject[]).find((one) => one['id'] === id)?.['state']

it('shows areas, a word for each state, what to do, and how many of each', async () => {
  const {zt} = scene
  await fs.chmod(identity(), 0o644)
  const {stdout, exitCode} = await zt.run('doctor --offline', {env: {COLUMNS: '5'}})
  expect(exitCode).toBe(9)
  expect(stdout).toMatch(/^This machine\n {2}✓ ok {7}Node/)
  expect(stdout).toMatch(/^ {2}! warn\s+Terminal\n {4}COLUMNS is 5/m)
  expect(stdout).toMatch(/^ {2}✗ fail\s+Owners and modes$/m)
  expect(stdout).toMatch(/^ +next: chmod go= .*identity\.txt$/m)
  expect(stdout).toMatch(/^ {2}– skipped {2}Secret store\n {4}for the same reason: Owners and modes$/m)
  // The other one is ssh's configuration: the program in its place only says its version.
  expect(stdout).toMatch(/^✓ \d+ ok {2}! 1 warn {2}✗ 1 fail {2}– 2 skipped$/m)
})

it('puts the sentences beside the titles where there is room', async () => {
  const {stdout} = await scene.zt.run('doctor --offline', {env: {COLUMNS: '80', ZT_PROFILES: 'x'}})
  expect(stdout).toMatch(/^ {2}! warn {5}Environment {2,}ZT_PROFILES is set, and zt does not know it$/m)
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(
    80 + scene.zt.home.length,
  )
})

it('runs with settings that cannot be read, and without PATH', async () => {
  const {zt} = scene
  const broken = await zt.json('doctor --offline --profile none', {ends: 'needs-action'})
  expect([stateOf(broken, 'settings'), stateOf(broken, 'store'), stateOf(broken, 'node')]).toEqual([
    'fail',
    'skipped',
    'ok',
  ])
  const bare = await zt.json('doctor --offline', {env: {PATH: undefined}, ends: 'needs-action'})
  expect([stateOf(bare, 'ssh'), stateOf(bare, 'path'), stateOf(bare, 'store')]).toEqual([
    'fail',
    'warn',
    'ok',
  ])
})

it('asks before each cure, and checks again', async () => {
  const {zt} = scene
  await fs.chmod(identity(), 0o644)
  await fs.mkdir(path.join(zt.home, '.zsh/completions'), {recursive: true})
  await fs.writeFile(path.join(zt.home, '.zsh/completions/_zt'), '#compdef zt\n')
  const {stdout, asked, exitCode} = await zt.run('doctor --offline --fix', {answers: [false, true]})
  expect(asked).toHaveLength(2)
  expect(asked[1]).toMatch(
    /identity\.txt can be read by others\. Take from others the rights on .*identity\.txt\?/,
  )
  expect(stdout).toMatch(
    /– left: Write the completion script for zsh .*\n✓ done: Take from others.*\n\nChecked again:\n/,
  )
  expect(exitCode).toBe(0)
  expect((await fs.stat(identity())).mode & 0o777).toBe(0o600)
})

it('has changed nothing if a question is not answered', async () => {
  const {zt} = scene
  await fs.chmod(identity(), 0o644)
  await fs.mkdir(path.join(zt.home, '.zsh/completions'), {recursive: true})
  await fs.writeFile(path.join(zt.home, '.zsh/completions/_zt'), '#compdef zt\n')

  const {asked, exitCode} = await zt.run('doctor --offline --fix', {answers: [true, LEAVE]})
  expect(asked).toHaveLength(2)
  expect(exitCode).toBe(12)
  expect((await fs.stat(identity())).mode & 0o777).toBe(0o644)
  expect(await fs.readFile(path.join(zt.home, '.zsh/completions/_zt'), 'utf8')).toBe('#compdef zt\n')
})

it('starts no credential helper that nothing names, and writes nothing', async () => {
  const {zt} = scene
  const ran = zt.file('helper-ran')
  await fs.writeFile(zt.file('bin/docker-credential-idle'), `#!/bin/sh\necho x > '${ran}'\necho '{}'\n`, {mode: 0o755})
  const all = async (): Promise<string[]> => (await fs.readdir(zt.home, {recursive: true})).sort()
  const before = await all()
  await zt.run('doctor --offline')
  await zt.run('doctor')
  expect(await all()).toEqual(before)
  await zt.run('store check')
  expect((await fs.readFile(ran, 'utf8')).trim()).toBe('x')
}) // prettier-ignore

it('says that there is nothing to fix', async () => {
  const {stdout} = await scene.zt.run('doctor --offline --fix --yes')
  expect(stdout).toMatch(/\n\nThere is nothing that --fix does\.\n$/)
})

it('reports a cure that fails, and exits with 9', async () => {
  const {zt} = scene
  await fs.rm(path.join(zt.home, 'DATA', 'zt', 'index'), {recursive: true})
  const env = {CLOUDFLARE_API_TOKEN: undefined}
  const {fixes, counts} = await zt.json('doctor --offline --fix --yes', {env})
  expect(fixes).toMatchObject([
    {id: 'store/stray-service-token', outcome: 'failed', error: {code: 'NOT_REPAIRED'}},
  ])
  expect(counts).toMatchObject({warn: 1})
})

it('writes a bundle without names and secrets, and overwrites no file', async () => {
  const {zt} = scene
  const {bundle} = await zt.json(['doctor', '--offline', '--bundle', 'report.json'])
  expect(bundle).toMatchObject({file: 'report.json'})
  const text = await fs.readFile(zt.file('report.json'), 'utf8')
  expect(text).toContain('"findings"')
  expect(text).not.toMatch(/deploy|Widgetcorp/)
  expect((await fs.stat(zt.file('report.json'))).mode & 0o777).toBe(0o600)
  await zt.fails(['doctor', '--offline', '--bundle', 'report.json'], 'conflict', 'FILE_EXISTS')
  const {stdout} = await zt.run('doctor --offline --bundle -')
  expect(JSON.parse(stdout)).toHaveProperty('findings')
  const {stdout: said} = await zt.run('doctor --offline --bundle other.json')
  expect(said).toMatch(/^✓ Wrote other\.json \(\d+ bytes\)\. Read it before you send it\.$/m)
})

it('refuses what it cannot ask or print', async () => {
  const {zt} = scene
  await zt.failsWithoutAsking('doctor --offline --fix')
  await zt.fails('doctor --offline --bundle -', 'usage', 'STDOUT_TWICE')
  await zt.fails('doctor one two', 'usage', 'BAD_COMMAND_LINE')
})
