import fs from 'node:fs'
import path from 'node:path'
import {beforeAll, expect, it} from 'vitest'
import {NODE} from './wine.js'
import {ZT} from './windows-zt.js'
import {describeOnWindows, said} from './world.js'

/** What Windows' Credential Manager is in wine: keytar's own calls, in a process of zt's. */
describeOnWindows('the Credential Manager', (world) => {
  const env = {ZT_STORE: undefined}
  /** Where node looks last for a module that zt names: anyone may make that directory. */
  const planted = () => world.windows.unix(String.raw`C:\node_modules`)
  const mark = () => world.windows.unix(String.raw`C:\planted-has-run`)

  beforeAll(() => {
    for (const name of [
      'keytar',
      'bufferutil',
      'utf-8-validate',
      'cpu-features',
      'typescript',
      'ts-node',
      'picomatch',
    ]) {
      fs.mkdirSync(path.join(planted(), name), {recursive: true})
      const text = `require('node:fs').appendFileSync(String.raw\`C:\\planted-has-run\`, '${name} ')`
      fs.writeFileSync(path.join(planted(), name, 'index.js'), text)
    }
  })

  it('of another user is none: zt takes no module from the root of the drive', async () => {
    // A zt without its keytar, whose modules node would look for there.
    const alone = String.raw`C:\alone\node_modules\zt-access`
    fs.cpSync(path.dirname(path.dirname(world.windows.unix(ZT))), world.windows.unix(alone), {
      recursive: true,
      filter: (file) => path.basename(file) !== 'keytar',
    })
    const run = (...args: string[]) =>
      world.windows.run(NODE, [`${alone}\\bin\\zt.cjs`, ...args], {
        env: {...world.zt.env, ZT_STORE: undefined},
      })
    const listed = await run('store', 'list')
    expect(listed.code, said(listed)).toBe(0)
    expect(listed.stdout).not.toMatch(/keychain\s+ready/)
    const sandbox = await run('sandbox', 'start')
    expect(sandbox.code, said(sandbox)).toBe(0)
    await run('sandbox', 'stop')
    expect(fs.existsSync(mark()) ? fs.readFileSync(mark(), 'utf8') : '').toBe('')
  })

  it('is the store that zt chooses by itself', async () => {
    const end = await world.zt.run(['store', 'use', 'keychain'], {env})
    expect(end.code, said(end)).toBe(0)
    const listed = await world.zt.run(['store', 'list'], {env})
    expect(listed.stdout, said(listed)).toMatch(/keychain\s+ready/)
  })

  it('keeps the secret of a new service token, and no file has it', async () => {
    const made = await world.zt.json<{clientSecret: string}>(['token', 'create', 'kept', '--reveal'], {env})
    const held = await world.zt.run(
      ['exec', 'kept', '--', 'node', '-p', 'process.env.CF_ACCESS_CLIENT_SECRET'],
      {env},
    )
    expect(held.stdout.trim(), said(held)).toBe(made.clientSecret)
    const files = fs.readdirSync(world.zt.home, {recursive: true, encoding: 'utf8'})
    for (const file of files
      .map((name) => path.join(world.zt.home, name))
      .filter((name) => fs.statSync(name).isFile()))
      expect(fs.readFileSync(file, 'latin1').includes(made.clientSecret), file).toBe(false)
  })

  it('keeps both secrets of a rotation', async () => {
    const end = await world.zt.run(['token', 'rotate', 'kept', '--grace', '1h'], {env})
    expect(end.code, said(end)).toBe(0)
    const undone = await world.zt.run(['token', 'rotate', 'kept', '--undo'], {env})
    expect(undone.code, said(undone)).toBe(0)
  })

  it('keeps the API token of a login, and forgets it at the logout', async () => {
    const login = await world.zt.run(['login'], {
      env: {...env, CLOUDFLARE_API_TOKEN: undefined},
      input: world.api.state.apiToken,
    })
    expect(login.code, said(login)).toBe(0)
    const listed = await world.zt.run(['token', 'list'], {env: {...env, CLOUDFLARE_API_TOKEN: undefined}})
    expect(listed.code, said(listed)).toBe(0)
    expect((await world.zt.run(['logout'], {env})).code).toBe(0)
    expect(
      (await world.zt.run(['token', 'list'], {env: {...env, CLOUDFLARE_API_TOKEN: undefined}})).code,
    ).toBe(3)
  })

  it('has no entry after the token is revoked', async () => {
    const end = await world.zt.run(['token', 'revoke', 'kept', '--yes'], {env})
    expect(end.code, said(end)).toBe(0)
    const checked = await world.zt.run(['store', 'check'], {env})
    expect(checked.code, said(checked)).toBe(0)
  })
})
