import fs from 'node:fs/promises'
import {describe, expect, it} from 'vitest'
import {findProgram} from '../../../src/lib/system/programs.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('ssh config')
const HOST = 'gitlab.widgetcorp.tech'

/** The real one, for `ssh -G`. */
const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what a configuration means\n')
const realSsh = () =>
  scene.zt.program(
    'ssh',
    `process.exitCode = require('child_process').spawnSync(${JSON.stringify(ssh)}, process.argv.slice(2), {stdio: 'inherit'}).status`,
  )
const ALIAS = `Host gl\n  HostName ${HOST}\n  User git\n  ProxyCommand cloudflared access ssh --hostname %h --secret s3cret\n`

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
  await zt.fails('ssh config', 'usage', 'INPUT_REQUIRED')
  const file = zt.file('config')
  await zt.json(`ssh config ${HOST} --write --file ${file} --yes`)
  const text = await fs.readFile(file, 'utf8')
  await fs.writeFile(file, text.trimEnd().split('\n').slice(0, -1).join('\n'))
  await zt.fails(`ssh config ${HOST} --remove --file ${file} --yes`, 'conflict', 'SSH_CONFIG_DAMAGED')
})

describe.skipIf(ssh === undefined)('an alias', () => {
  it('is taken over: its own lines are shown, and it is still an alias', async () => {
    const {zt} = scene
    await realSsh()
    const file = zt.file('config')
    await fs.writeFile(file, ALIAS, {mode: 0o600})
    const write = `ssh config gl --write --file ${file}`
    const {stdout, stderr, asked} = await zt.run(write, {answers: [true]})
    expect(asked).toHaveLength(1)
    expect(stderr).toContain(`gl is ${HOST}`)
    expect(stderr).toContain(`line 2 of ${file} is still used: HostName ${HOST}`)
    expect(stderr).toContain(
      `line 4 of ${file} is no longer used, because zt's block comes before it: ProxyCommand`,
    )
    expect(stderr).toContain(`ssh -F ${file} gl`)
    expect(stdout + stderr).not.toContain('s3cret')
    expect(await fs.readFile(file, 'utf8')).toMatch(
      /^Host gl\n {2}ProxyCommand .* ssh proxy --profile default gitlab/m,
    )
    const json = await zt.json(write)
    expect(json).toMatchObject({
      host: HOST,
      alias: 'gl',
      action: 'none',
      taken: [{line: 11}, {line: 12}, {line: 13}],
    })
    expect(await zt.json(`ssh config gl --remove --file ${file} --yes`)).toMatchObject({
      host: 'gl',
      action: 'remove',
    })
    expect(await fs.readFile(file, 'utf8')).toBe(ALIAS)
  })

  it('is named where its host is taken over, with the command that takes it over, too', async () => {
    const {zt} = scene
    await realSsh()
    const file = zt.file('config')
    await fs.writeFile(file, ALIAS, {mode: 0o600})
    const {stderr} = await zt.run(`ssh config ${HOST} --write --file ${file} --yes`)
    expect(stderr).toContain(`gl (line 10 of ${file}) leads to ${HOST} too: it still uses cloudflared`)
    expect(stderr).toContain(`zt ssh config gl --write --file ${file}`)
    const {aliases} = await zt.json(`ssh config ${HOST} --write --file ${file}`)
    expect(aliases).toEqual([{name: 'gl', file, line: 10, route: 'cloudflared'}])
  })

  it('that ssh does not have is no host', async () => {
    const {zt} = scene
    await realSsh()
    await zt.unchanged(() =>
      zt.fails(`ssh config gl --write --yes --file ${zt.file('config')}`, 'not-found', 'ALIAS_NOT_FOUND'),
    )
  })

  it('has no short-lived certificate where that is switched off', async () => {
    const {zt} = scene
    await realSsh()
    const file = zt.file('config')
    const gen = `Match host ${HOST} exec "touch ${file}-ran; cloudflared access ssh-gen --hostname %h"\n`
    await fs.writeFile(file, gen + ALIAS + 'Host *\n  Port 2222\n', {mode: 0o600})
    const host = `ssh config ${HOST} --file ${file}`
    expect((await zt.json(`${host} --write --dry-run --short-lived-cert`))['warnings']).toContainEqual(
      expect.stringContaining('line 1'),
    )
    const {block} = await zt.json(`${host} --no-short-lived-cert`)
    expect(block).toContain(`\n  HostName ${HOST}.\n  HostKeyAlias "[${HOST}]:2222"\n`)
    await zt.json(`${host} --no-short-lived-cert --write --yes`)
    // The second time it is the same block.
    expect(await zt.json(`${host} --no-short-lived-cert --write`)).toMatchObject({action: 'none'})
    await expect(fs.access(`${file}-ran`)).rejects.toThrow('ENOENT')
  })
})

describe.skipIf(ssh === undefined)('--adopt', () => {
  const LINE = `  ProxyCommand cloudflared access ssh --hostname ${HOST}\n`
  const text = `Host gl\n${LINE}Host old\n  ProxyCommand cloudflared access ssh --hostname %h --secret ${'a1'.repeat(32)}\n`

  it('moves what it can after a question, names what it leaves, and gives it back', async () => {
    const {zt} = scene
    await realSsh()
    await zt.json('token create deploy')
    await zt.json('app add-rule GitLab --service-auth --token deploy')
    const file = zt.file('config')
    await fs.writeFile(file, text, {mode: 0o600})
    const adopt = `ssh config --adopt --file ${file}`
    await zt.unchanged(async () => {
      await zt.failsWithoutAsking(adopt)
      await zt.fails(adopt, 'cancelled', 'CANCELLED', {answers: [false]})
      expect(await zt.json(`${adopt} --dry-run`)).toMatchObject({changed: false, dryRun: true})
    })
    const {stdout, stderr, asked} = await zt.run(adopt, {answers: [true]})
    expect(asked).toHaveLength(1)
    expect(stdout).toMatch(/\+ {2}ProxyCommand .* ssh proxy --profile \S+ gitlab\.widgetcorp\.tech/)
    expect(stdout).toContain(
      `Moved 1 ProxyCommand to zt. To undo it: ${adopt.replace('--adopt', '--adopt --remove').replace('ssh', 'zt ssh')}`,
    )
    expect(stderr).toMatch(/line 4 of .* \(Host old\) stays as it is: It has credentials on the command line/)
    expect(stdout + stderr).not.toContain('a1a1a1a1')
    const back = await zt.json(`ssh config --adopt --remove --file ${file} --yes`)
    expect(back).toMatchObject({
      changed: true,
      left: [],
      adopted: [{line: 2, section: 'Host gl', after: LINE.trim()}],
    })
    expect(await fs.readFile(file, 'utf8')).toBe(text)
    expect((await zt.run(`ssh config --adopt --remove --file ${file}`)).stdout).toMatch(/No ProxyCommand in/)
  })

  it('takes no host and no --write', async () => {
    const {zt} = scene
    await zt.fails(`ssh config ${HOST} --adopt`, 'usage', 'ADOPT_TAKES_NO_HOST')
    await zt.fails(`ssh config --adopt --write`, 'usage', 'BAD_COMMAND_LINE')
  })
})

it('suggests what can be run: the host alone, whatever its form, and no pattern', async () => {
  const {zt} = scene
  const write = `--write --yes --file ${zt.file('config')}`
  expect((await zt.run(`ssh config ssh://git@${HOST.toUpperCase()}.:22/ ${write}`)).stderr).toContain(
    `ssh -F ${zt.file('config')} git@${HOST}\n`,
  )
  await zt.fails(`ssh config *.widgetcorp.tech ${write}`, 'not-found', 'HOST_NOT_BOUND')
})
