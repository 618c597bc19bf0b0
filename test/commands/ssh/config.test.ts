import fs from 'node:fs/promises'
import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('ssh config')
const HOST = 'gitlab.widgetcorp.tech'

it('prints a block, and changes no file', async () => {
  const {zt} = scene
  const {block, ...result} = await zt.unchanged(() => zt.json(`ssh config git@${HOST}`))
  expect(result).toMatchObject({
    host: HOST,
    user: 'git',
    file: null,
    action: 'none',
    changed: false,
    dryRun: false,
  })
  expect(block).toContain(`Host ${HOST}`)
  expect((await zt.run(`ssh config git@${HOST}`)).stdout).toBe(`${String(block)}\n`)
})

it('writes the block into a configuration, and takes it out again', async () => {
  const {zt} = scene
  const file = zt.file('config')
  await fs.writeFile(file, 'Host *\n  User me\n')
  const written = await zt.json(`ssh config ${HOST} --write --file ${file} --yes`)
  expect(written).toMatchObject({file, action: 'add', changed: true, edited: false})
  expect(written['others']).toEqual([{line: 2, section: 'Host *', keyword: 'User'}])
  const text = await fs.readFile(file, 'utf8')
  expect(text.indexOf(HOST)).toBeLessThan(text.indexOf('Host *'))
  expect(await zt.json(`ssh config ${HOST} --write --file ${file}`)).toMatchObject({
    action: 'none',
    changed: false,
  })
  expect(await zt.json(`ssh config ${HOST} --remove --file ${file} --yes`)).toMatchObject({
    action: 'remove',
    block: null,
  })
  expect(await fs.readFile(file, 'utf8')).toBe('Host *\n  User me\n')
})

it('asks before it writes', async () => {
  const {zt} = scene
  const write = `ssh config ${HOST} --write --file ${zt.file('config')}`
  await zt.unchanged(async () => {
    await zt.failsWithoutAsking(write)
    await zt.fails(write, 'cancelled', 'CANCELLED', {answers: [false]})
  })
  const {asked, stderr} = await zt.run(write, {answers: [true]})
  expect(asked).toHaveLength(1)
  expect(stderr).toContain(`ssh -F ${zt.file('config')} ${HOST}`)
  expect(await fs.readFile(zt.file('config'), 'utf8')).toContain(HOST)
})

it('says in the block what carries the connection, and whether it is shared', async () => {
  const {zt} = scene
  const {block} = await zt.json(`ssh config ${HOST} --client cloudflared --no-share`)
  expect(block).toContain('cloudflared')
  expect(block).toContain('ControlMaster no')
  expect((await zt.json(`ssh config ${HOST} --share`))['block']).toContain('ControlMaster auto')
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const file = zt.file('config')
  const result = await zt.unchanged(() => zt.json(`ssh config ${HOST} --write --file ${file} --dry-run`))
  expect(result).toMatchObject({action: 'add', changed: false, dryRun: true})
  expect(result['diff']).toContain(`+Host ${HOST}`)
})

it('fails where it is not clear what to do, or the file is not as it was left', async () => {
  const {zt} = scene
  await zt.fails(`ssh config ${HOST} --write --remove`, 'usage', 'BAD_COMMAND_LINE')
  await zt.fails(['ssh', 'config', 'not a host'], 'usage', 'BAD_HOSTNAME')
  await zt.fails('ssh config', 'usage', 'BAD_COMMAND_LINE', {answers: []})
  const file = zt.file('config')
  await zt.json(`ssh config ${HOST} --write --file ${file} --yes`)
  const text = await fs.readFile(file, 'utf8')
  await fs.writeFile(file, text.trimEnd().split('\n').slice(0, -1).join('\n'))
  await zt.fails(`ssh config ${HOST} --remove --file ${file} --yes`, 'conflict', 'SSH_CONFIG_DAMAGED')
})
