import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {loadSettings} from '../../src/lib/config/settings.js'
import {UserError} from '../../src/lib/core/errors.js'
import {noProgress} from '../../src/lib/core/progress.js'
import {diskCheck, nodeCheck} from '../../src/lib/doctor/checks/local/machine.js'
import {openInWords} from '../../src/lib/doctor/checks/local/connections.js'
import {localChecks} from '../../src/lib/doctor/checks/local/index.js'
import {CHECKS} from '../../src/lib/doctor/checks.js'
import {removable} from '../../src/lib/doctor/checks/local/files.js'
import {checkOf, saysOf, type Says} from '../../src/lib/doctor/finding.js'
import {applyFixes} from '../../src/lib/doctor/fix.js'
import {runChecks} from '../../src/lib/doctor/run.js'
import {takeRights} from '../../src/lib/system/own-files.js'
import {isAbandoned} from '../../src/lib/system/abandoned.js'
import type {Check, DoctorWorld, Finding} from '../../src/lib/doctor/types.js'
import {openWorld} from '../../src/lib/doctor/world.js'
import {ROOT} from './local-faults.js'

const trouble = new UserError({
  kind: 'config',
  code: 'X',
  message: 'The file is damaged',
  why: 'It is.',
  next: ['zt x'],
})

function worldOf(more: Partial<Parameters<typeof openWorld>[0]> = {}): DoctorWorld {
  const access = (): never => {
    throw new Error('not asked for')
  }
  return openWorld({settings: trouble, access, env: {}, root: ROOT, host: undefined, timeoutMs: 1, ...more})
}

function check(
  id: string,
  run: (says: Says, world: DoctorWorld) => Finding[],
  more: Partial<Check> = {},
): Check {
  const facts = {id, area: 'zt', title: `Title of ${id}`, doing: `Doing ${id}`, local: true, ...more} as const
  return checkOf(facts, (world, says) => run(says, world))
}

async function find(checks: readonly Check[], world = worldOf(), offline = false): Promise<string[]> {
  const findings = await runChecks(checks, world, {offline, progress: noProgress})
  return findings.map(({id, state, detail}) => `${id} ${state}: ${detail}`)
}

const fails = (error: unknown) => (): never => {
  throw error
}

describe('runChecks', () => {
  it('makes a finding of what a check throws, and goes on', async () => {
    const other = trouble.with({message: 'The disk is gone'})
    expect(
      await find([
        check('a', fails(other)),
        check('b', fails(new TypeError('with data'))),
        check('c', fails(Object.assign(new Error('x'), {code: 'EACCES', syscall: 'open', path: '/etc/x'}))),
        check('d', (says) => [says.ok('fine')]),
      ]),
    ).toEqual([
      'a fail: The disk is gone',
      'b fail: this check failed unexpectedly (TypeError)',
      'c fail: Cannot read /etc/x',
      'd ok: fine',
    ])
  })

  it('says one cause once, whether it is thrown, found or part of a reason', async () => {
    const error = trouble.with({message: '/x can be read by others'})
    expect(
      await find([
        check('files', (says) => [says.error(error)]),
        check('thrown', fails(error)),
        check('part', (says) => [
          says.fail('the vault is broken', {why: '/x can be read by others. Its mode is 644.'}),
        ]),
        check('its reason', (says) => [says.fail('It is')]),
        check('other', (says) => [says.fail('the vault is broken')]),
        check('warned', (says) => [says.warn('/x can be read by others')]),
      ]),
    ).toEqual([
      'files fail: /x can be read by others',
      'thrown skipped: for the same reason: Title of files',
      'part skipped: for the same reason: Title of files',
      'its reason skipped: for the same reason: Title of files',
      'other fail: the vault is broken',
      'warned warn: /x can be read by others',
    ])
  })

  it('skips what needs the settings where they cannot be read; settings says why', async () => {
    const uses = (_: Says, world: DoctorWorld): Finding[] => [world.settings as never]
    expect(await find([check('uses', uses), check('settings', uses)])).toEqual([
      'uses skipped: the settings could not be read',
      'settings fail: The file is damaged',
    ])
  })

  it('leaves out what needs a network with --offline, and what needs a host without one', async () => {
    const fine = (says: Says): Finding[] => [says.ok('fine')]
    const checks = [check('far', fine, {local: false}), check('near', fine), check('way', fine, {host: true})]
    expect(await find(checks)).toEqual(['far ok: fine', 'near ok: fine'])
    expect(await find(checks, worldOf({host: 'h.example.com'}), true)).toEqual([
      'near ok: fine',
      'way ok: fine',
    ])
  })

  it('shows in the order of the checks what ends in another', async () => {
    let open = (): void => undefined
    const first: Check = {
      ...check('first', () => []),
      run: async () => {
        await new Promise<void>((resolve) => (open = resolve))
        return [{id: 'first', area: 'zt', state: 'ok', title: '', detail: 'late', next: []}]
      },
    }
    const second = check('second', (says) => {
      open()
      return [says.ok('early')]
    })
    expect(await find([first, second])).toEqual(['first ok: late', 'second ok: early'])
  })
})

it('every check has an ID and a title of its own within its area', () => {
  const ids = CHECKS.map(({id}) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(localChecks.every(({local}) => local)).toBe(true)
  expect(CHECKS.length).toBeGreaterThanOrEqual(localChecks.length)
  for (const {id, title, doing} of CHECKS) {
    expect(id).toMatch(/^[a-z][a-z\d-]+$/)
    expect(title.length).toBeLessThanOrEqual(24)
    expect(doing).toMatch(/^[A-Z].*[^.]$/)
  }
})

it('the picture of it shows every check that needs no network', async () => {
  const picture = await fs.readFile(path.join(ROOT, 'docs', 'pictures', 'doctor-light.svg'), 'utf8')
  const text = picture
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll(/\s+/g, ' ')
  const shown = CHECKS.filter(({local, host}) => local && host !== true)
  expect(shown.filter(({title}) => !text.includes(` ${title} `)).map(({title}) => title)).toEqual([])
})

it('names the list of open connections for those that it lists', () => {
  const forward = {listener: {place: '127.0.0.1:5432', http: false, token: 'ci'}}
  expect([[], [{}], [forward], [{}, forward]].map(openInWords)).toEqual([
    ...['none is open', '1 open', '1 open, 1 of zt forward (zt forward list)'],
    '2 open, 1 of zt forward (zt forward list)',
  ])
})

it('says which check has not ended, and waits for no other', async () => {
  const never: Check = {...check('hangs', () => []), run: () => new Promise(() => undefined)}
  const fine = check('fine', (says) => [says.ok('well')])
  const findings = await runChecks([never, fine], worldOf(), {offline: false, progress: noProgress, limitMs: 20})
  expect(findings).toMatchObject([
    {id: 'hangs', state: 'fail', detail: 'this check has not ended within 0.02 s', next: ['zt doctor']},
    {id: 'fine', state: 'ok'},
  ])
  expect(isAbandoned()).toBe(true)
}) // prettier-ignore

it('gives a check that waits for a person all the time that the answer takes', async () => {
  let answer: (value: Finding[]) => void = () => undefined
  const asks: Check = {...check('asks', () => []), run: () => new Promise((resolve) => (answer = resolve))}
  let looks = 0
  const isAsking = (): boolean => {
    looks += 1
    if (looks === 3) answer([saysOf(asks).ok('typed')])
    return true
  }
  const options = {offline: false, progress: noProgress, limitMs: 1, isAsking}
  expect(await runChecks([asks], worldOf(), options)).toMatchObject([{state: 'ok', detail: 'typed'}])
})

describe('a machine that the tests cannot be', () => {
  it.each([
    ['20.18.3', 'node fail: node 20.18.3 is too old'],
    ['18.20.0', 'node fail: node 18.20.0 is too old'],
    ['23.1.0', 'node warn: node 23.1.0 is not one that zt is tested with'],
    ['20.19.0', 'node ok: 20.19.0'],
    ['24.0.1', 'node ok: 24.0.1'],
    ['28.0.0', 'node ok: 28.0.0'],
  ])('node %s', async (version, line) => {
    expect(await find([nodeCheck(version)])).toEqual([line])
  })

  it('knows the oldest node that the package allows', async () => {
    const {engines} = JSON.parse(await fs.readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
      engines: {node: string}
    }
    const oldest = engines.node.replace('>=', '')
    expect(await find([nodeCheck(`${oldest}.0`)])).toEqual([`node ok: ${oldest}.0`])
    const [major = 0, minor = 0] = oldest.split('.').map(Number)
    expect(await find([nodeCheck(`${major}.${minor - 1}.9`)])).toHaveLength(1)
    expect((await find([nodeCheck(`${major}.${minor - 1}.9`)]))[0]).toContain('too old')
  })

  it('a full disk fails where secrets are kept, and warns for the cache', async () => {
    const env = {XDG_CONFIG_HOME: '/', XDG_DATA_HOME: '/', XDG_STATE_HOME: '/', XDG_CACHE_HOME: '/'}
    const full = diskCheck(() => Promise.resolve({bavail: 1000, bsize: 4096}))
    expect(await find([full], worldOf({env}))).toEqual([
      'disk/config fail: 3 MiB are free for /zt',
      'disk/data skipped: for the same reason: Disk',
      'disk/state skipped: for the same reason: Disk',
      'disk/cache warn: 3 MiB are free for /zt',
    ])
  })
})

describe('an installation', () => {
  const installation = localChecks.filter(({id}) => id === 'installation')
  const {version} = {version: '0.1.0'}
  async function install(versions: Record<string, string | undefined>): Promise<string> {
    const root = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-installed-'))
    for (const [file, of] of Object.entries(versions)) {
      await fs.mkdir(path.dirname(path.join(root, file)), {recursive: true})
      if (of !== undefined) await fs.writeFile(path.join(root, file), JSON.stringify({version: of}))
    }
    return root
  }

  it.each([
    ['of one build', {}, /^installation ok: 0\.1\.0, in /],
    [
      'with the manifest of another',
      {'oclif.manifest.json': '0.0.9'},
      /^installation fail: the parts .* are of different/,
    ],
    [
      'without its code',
      {'dist/build.json': undefined},
      /^installation fail: the installation in .* lacks dist\/build\.json$/,
    ],
  ])('%s', async (_, change, line) => {
    const whole = {'package.json': version, 'oclif.manifest.json': version, 'dist/build.json': version}
    const root = await install({...whole, ...change})
    const [found = ''] = await find(installation, worldOf({root}))
    expect(found).toMatch(line)
    await fs.rm(root, {recursive: true})
  })
})

describe('applyFixes', () => {
  const cure = (apply: () => Promise<void>): Finding => ({
    ...{id: 'a', area: 'zt', state: 'warn', title: 'A', detail: 'a fault', next: []},
    fix: {what: 'Do it', apply},
  })
  const options = {offline: true, progress: noProgress, again: () => Promise.resolve(worldOf())}
  const checks = [check('after', (says) => [says.ok('cured')])]

  it('does nothing and looks at nothing again where the answer is no', async () => {
    const findings = [cure(() => Promise.reject(new Error('not to be called')))]
    const result = await applyFixes(findings, checks, {agree: () => Promise.resolve(false), ...options})
    expect(result).toEqual({fixes: [{id: 'a', what: 'Do it', outcome: 'left', error: undefined}], findings})
  })

  it('goes on after a cure that fails', async () => {
    let done = 0
    const works = cure(() => {
      done++
      return Promise.resolve()
    })
    const result = await applyFixes([cure(() => Promise.reject(trouble)), works], checks, {
      agree: () => Promise.resolve(true),
      ...options,
    })
    expect(result.fixes.map(({outcome, error}) => [outcome, error?.code])).toEqual([
      ['failed', 'X'],
      ['fixed', undefined],
    ])
    expect([done, result.findings.map(({detail}) => detail)]).toEqual([1, ['cured']])
  })
})

it('a cure that fails as no one expected ends nothing', async () => {
  const cures = [new TypeError('with data'), Object.assign(new Error('x'), {code: 'ENOENT', syscall: 'open'})]
  const findings = cures.map((error): Finding => ({
    ...{id: 'a', area: 'zt', state: 'warn', title: 'A', detail: 'a fault', next: []},
    fix: {what: 'Do it', apply: () => Promise.reject(error)},
  }))
  const {fixes} = await applyFixes(findings, [], {
    ...{offline: true, progress: noProgress, again: () => Promise.resolve(worldOf())},
    agree: () => Promise.resolve(true),
  })
  expect(fixes.map(({outcome, error}) => `${outcome}: ${error?.message ?? ''}`)).toEqual([
    'failed: It failed unexpectedly (TypeError)',
    'failed: What it was about no longer exists',
  ])
})

describe('what --fix changes is what is there by then', () => {
  const says = saysOf({id: 'x', area: 'zt', title: 'X'})
  let directory: string
  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-fix-'))
  })
  afterEach(() => fs.rm(directory, {recursive: true}))

  it('a file that is in use again is not removed', async () => {
    const [dead, used] = [path.join(directory, 'dead'), path.join(directory, 'used')]
    for (const file of [dead, used]) await fs.writeFile(file, '')
    let left = [dead, used]
    const {fix} = await removable(says, () => Promise.resolve(left), 'is old', 'file')
    left = [dead]
    await fix?.apply()
    expect(await fs.readdir(directory)).toEqual(['used'])
  })

  it.skipIf(process.platform === 'win32')('rights are taken, and never given', async () => {
    const file = path.join(directory, 'file')
    await fs.writeFile(file, '', {mode: 0o600})
    takeRights(file, 0o022)
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    await fs.chmod(file, 0o666)
    const link = path.join(directory, 'link')
    await fs.symlink(file, link)
    expect(() => takeRights(link, 0o077)).toThrow('Cannot read')
    expect((await fs.stat(file)).mode & 0o777).toBe(0o666)
    takeRights(link, 0o022, {links: 'follow'})
    expect((await fs.stat(file)).mode & 0o777).toBe(0o644)
  })
})

it('without a home, the world says why wherever it is asked', async () => {
  const settings = await loadSettings({
    env: {XDG_CONFIG_HOME: '/nowhere'},
    cwd: '/',
    flags: {profile: 'default'},
  })
  expect(worldOf({settings}).settings).toBe(settings)
  expect(() => worldOf().settings).toThrow(trouble)
  expect(() => worldOf().ctx).toThrow(trouble)
})
