import fs from 'node:fs'
import path from 'node:path'
import {expect, it} from 'vitest'
import {hashSecret} from '../../src/lib/sandbox/state.js'
import {HOST} from '../contract/command-world.js'
import {describeOnWindows, isWorded, said, type World} from './world.js'

/** Every file of zt's. */
function filesOf({zt}: World): string[] {
  const places = [zt.config, path.dirname(zt.data)]
  return places.flatMap((directory) =>
    fs
      .readdirSync(directory, {recursive: true, encoding: 'utf8'})
      .filter((name) => !name.startsWith('Cache'))
      .map((name) => path.join(directory, name)),
  )
}

/** What a write leaves only if it does not end. */
const unfinished = (world: World): string[] =>
  filesOf(world).filter((file) => /\.new$|^\.|\.choosing\./.test(path.basename(file)))

describeOnWindows('two processes on Windows', (world) => {
  it('create a service token each, and both are known afterwards', async () => {
    const ends = await Promise.all(['left', 'right'].map((name) => world.zt.run(['token', 'create', name])))
    for (const end of ends) expect(end.code, said(end)).toBe(0)
    const {tokens} = await world.zt.json<{tokens: {name: string}[]}>(['token', 'list'])
    expect(tokens.map(({name}) => name)).toEqual(expect.arrayContaining(['left', 'right']))
  })

  it('rotate one service token after the other, and the stored secret is the account’s', async () => {
    const ends = await Promise.all(
      [1, 2].map(() => world.zt.run(['token', 'rotate', 'left', '--grace', '0'])),
    )
    for (const end of ends) expect(end.code === 0 || isWorded(end), said(end)).toBe(true)
    expect(ends.some(({code}) => code === 0)).toBe(true)
    const held = await world.zt.run([
      'exec',
      'left',
      '--',
      'node',
      '-p',
      'process.env.CF_ACCESS_CLIENT_SECRET',
    ])
    const token = world.api.state.data.serviceTokens.find(({object}) => object['name'] === 'left')
    expect(hashSecret(held.stdout.trim()), said(held)).toBe(token?.secretHash)
  })

  it('add a rule each to one application, and it has both', async () => {
    const rule = (token: string) => [
      'app',
      'add-rule',
      'Database',
      '--service-auth',
      '--token',
      token,
      '--name',
      token,
    ]
    const ends = await Promise.all(['left', 'right'].map((token) => world.zt.run(rule(token))))
    for (const end of ends) expect(end.code, said(end)).toBe(0)
    const {stdout} = await world.zt.run(['app', 'show', 'Database'])
    expect(stdout).toMatch(/left[^]*right|right[^]*left/)
  })

  it('write one file of settings, which is whole at any moment', async () => {
    const file = path.join(world.zt.config, 'config.json')
    const seen = new Set<string>()
    let running = true
    const reading = (async () => {
      while (running) {
        const text = fs.readFileSync(file, 'utf8')
        expect(() => JSON.parse(text) as unknown).not.toThrow()
        seen.add(text)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const files = ['a', 'b'].map((name) => path.join(world.zt.home, name.repeat(100)))
    for (const one of files) fs.writeFileSync(one, '')
    const ends = await Promise.all(
      files.map((one) => world.zt.run(['config', 'set', 'known-hosts-file', world.zt.path(one)])),
    )
    running = false
    await reading
    for (const end of ends) expect(end.code, said(end)).toBe(0)
    expect(seen.size).toBeGreaterThan(1)
    await world.zt.run(['config', 'set', 'known-hosts-file', ''])
  })

  it('leave no unfinished file', () => {
    expect(unfinished(world)).toEqual([])
  })
})

describeOnWindows('a scanner on Windows', (world) => {
  it.each([
    ['token create', ['token', 'create', 'scanned']],
    ['token rotate', ['token', 'rotate', 'scanned', '--grace', '1h']],
    ['app add-rule', ['app', 'add-rule', 'Database', '--service-auth', '--token', 'scanned']],
    ['store use', ['store', 'use', 'vault']],
    ['ssh config', ['ssh', 'config', HOST, '--write', '--yes', '--file', 'config']],
    ['undo', ['undo', '--last', '--yes']],
  ])('that holds every new file for 400 ms does not end %s', async (_, args) => {
    const release = await world.windows.scan(world.zt.profile, 400)
    const end = await world.zt.run(args)
    await release()
    expect(end.code, said(end)).toBe(0)
  })

  it('leaves neither an unfinished file nor a second link', () => {
    expect(unfinished(world)).toEqual([])
    const linked = filesOf(world).filter((file) => fs.statSync(file).isFile() && fs.statSync(file).nlink > 1)
    expect(linked).toEqual([])
  })

  it('held the new files', async () => {
    const release = await world.windows.scan(world.zt.profile, 400)
    await world.zt.run(['token', 'create', 'counted'])
    expect(await release()).toBeGreaterThan(0)
  })

  it('that never lets go of a file is named, and is no bug of zt', async () => {
    const index = path.join(world.zt.data, 'index')
    const names = fs.readdirSync(index, {recursive: true, encoding: 'utf8'})
    const held = world.zt.path(path.join(index, names.find((name) => name.endsWith('.json')) ?? ''))
    const release = await world.windows.hold(held)
    // zt gives up after the time that it has for scanners.
    const env = {ZT_PATIENCE: '1'}
    const ends = [
      await world.zt.run(['token', 'list'], {env}),
      await world.zt.run(['exec', 'scanned', '--', 'node'], {env}),
    ]
    await release()
    for (const end of ends) expect(end.code === 0 || isWorded(end), said(end)).toBe(true)
  })
})
