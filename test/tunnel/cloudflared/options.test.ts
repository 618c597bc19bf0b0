import {expect, it} from 'vitest'
import {CLOUDFLARED_OPTIONS, type CloudflaredOption} from '../../../src/lib/tunnel/cloudflared/options.js'
import {readTunnelLine} from '../../../src/lib/tunnel/access/line.js'
import {readCloudflared} from '../../../src/lib/tunnel/ssh/config/cloudflared-line.js'

const HOST = 'build.example.com'
const all: [string, CloudflaredOption][] = Object.entries(CLOUDFLARED_OPTIONS)
const names = all.flatMap(([name, {also = [], says}]) => [name, ...also].map((one) => ({name: one, says})))
/** A value that the option can have. */
const value = (name: string): string =>
  /^(hostname|tunnel-host|T)$/.test(name) ? HOST : /^(header|H)$/.test(name) ? 'X-A: b' : '127.0.0.1:22'

it.each(names)('--$name is read alike in a command line and in a ProxyCommand', ({name, says}) => {
  const host = says === 'host' ? [] : ['--hostname', HOST]
  const read = (): unknown => readTunnelLine([...host, `--${name}`, value(name)], {})
  if (says === 'secret') expect(read).toThrow('zt takes no credentials')
  else expect(read()).toMatchObject({words: expect.arrayContaining([HOST]) as unknown})
  const line = readCloudflared(
    `cloudflared access ssh ${host.join(' ')} --${name} ${value(name).replace(/ /g, '')}`,
  )
  if (says === 'host' || says === 'destination' || says === 'log') expect(line).toMatchObject({host: HOST})
  else if (says === 'secret')
    expect(line).toMatchObject({refused: expect.stringContaining('credentials') as unknown})
  else expect(line).toEqual({refused: `zt has no counterpart of its option --${name}`})
})
