import fs from 'node:fs'
import path from 'node:path'
import {expect, it} from 'vitest'
import {describeOnWindows, said} from './world.js'

/** What Windows' Credential Manager is in wine: keytar's own calls, in a process of zt's. */
describeOnWindows('the Credential Manager', (world) => {
  const env = {ZT_STORE: undefined}

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
