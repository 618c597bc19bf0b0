import fs from 'node:fs'
import path from 'node:path'
import {expect, it} from 'vitest'
import {HOST} from '../contract/command-world.js'
import {describeOnWindows, said} from './world.js'

describeOnWindows('CAs on Windows', (world) => {
  const proxy = (env: NodeJS.ProcessEnv = {}) =>
    world.zt.run(['ssh', 'proxy', HOST, '--token', 'trusting', '--yes'], {env})

  it('the one of --ca-file is trusted, and Access answers', async () => {
    await world.zt.run(['token', 'create', 'trusting'])
    const end = await proxy()
    expect(end.code, said(end)).toBe(10)
  })

  it.each([
    'etc/ssl/certs/ca-certificates.crt',
    'etc/pki/tls/certs/ca-bundle.crt',
    'etc/ssl/ca-bundle.pem',
    'etc/ssl/cert.pem',
  ])(String.raw`one in \%s of the drive is not: it may be another user’s`, async (file) => {
    const config = path.join(world.zt.config, 'config.json')
    const before = fs.readFileSync(config, 'utf8')
    const settings = JSON.parse(before) as {profiles: Record<string, {caFile?: string}>}
    const planted = world.windows.unix(`C:/${file}`)
    const own = settings.profiles['default']?.caFile ?? ''
    delete settings.profiles['default']?.caFile
    fs.writeFileSync(config, JSON.stringify(settings))
    fs.mkdirSync(path.dirname(planted), {recursive: true})
    fs.copyFileSync(world.windows.unix(own), planted)
    try {
      const end = await proxy()
      expect(end.code, said(end)).toBe(8)
      expect(end.stderr).toMatch(/certificate|trust/i)
    } finally {
      fs.rmSync(planted)
      fs.writeFileSync(config, before)
    }
  })

  it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])(
    String.raw`one that %s names as another system does is not: that is \etc of the drive`,
    async (name) => {
      const config = path.join(world.zt.config, 'config.json')
      const before = fs.readFileSync(config, 'utf8')
      const settings = JSON.parse(before) as {profiles: Record<string, {caFile?: string}>}
      const own = settings.profiles['default']?.caFile ?? ''
      delete settings.profiles['default']?.caFile
      const planted = world.windows.unix('C:/etc/planted.pem')
      fs.mkdirSync(path.dirname(planted), {recursive: true})
      fs.copyFileSync(world.windows.unix(own), planted)
      fs.writeFileSync(config, JSON.stringify(settings))
      try {
        const end = await proxy({[name]: '/etc/planted.pem'})
        expect(end.code, said(end)).toBe(8)
        const whole = await proxy({[name]: String.raw`C:\etc\planted.pem`})
        expect(whole.code, said(whole)).toBe(10)
      } finally {
        fs.rmSync(planted)
        fs.writeFileSync(config, before)
      }
    },
  )
})
