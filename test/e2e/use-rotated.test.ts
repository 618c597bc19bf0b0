import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {findProgram} from '../../src/lib/system/programs.js'
import {tcpHost, UseWorld, webHost} from '../support/use-world.js'

const hasCurl = findProgram('curl', process.env) !== undefined
let world: UseWorld

/** A rotated token, and an edge that does not know its new secret yet. */
beforeAll(async () => {
  world = await UseWorld.make(Buffer.from('big'))
  const {zt} = world
  await zt.json(['sandbox', 'stop'])
  const file = path.join(String(zt.env['XDG_STATE_HOME']), 'zt', 'sandbox', 'state.json')
  const state = JSON.parse(await fs.readFile(file, 'utf8')) as {settings: Record<string, unknown>}
  state.settings['enforcement_delay_ms'] = 3600_000
  await fs.writeFile(file, JSON.stringify(state))
  await zt.json(['sandbox', 'start', ...world.origins])
  await zt.json(['token', 'rotate', 'user', '--grace', '24h'])
})
afterAll(() => world.end())

describe('where Access does not know a rotated secret yet', () => {
  it.skipIf(!hasCurl)('zt curl sends the previous secret, once, and says so', async () => {
    const end = await world.zt.run(['curl', `https://${webHost}/items?key=x`, '--', '-sS', '--data', '@-'], {
      input: 'x',
    })
    expect(end.code).toBe(0)
    expect(JSON.parse(end.stdout)).toMatchObject({method: 'POST', url: '/items?key=x', size: 1})
    expect(end.stderr).toMatch(/^note: +Access accepted only the previous secret of "\w+"/)
    expect(world.asked.map(({method, url}) => `${method} ${url}`)).toEqual([
      'HEAD /items',
      'POST /items?key=x',
    ])
    for (const secret of world.secrets) expect(end.stdout + end.stderr).not.toContain(secret)
  })

  it('zt forward --http serves with the previous secret, and says so', async () => {
    const forward = await world.forward([webHost, '--http'])
    const answers = await Promise.all(
      ['GET', 'POST'].map((method) => fetch(`http://127.0.0.1:${forward.port}/x`, {method})),
    )
    expect(answers.map(({status}) => status)).toEqual([200, 200])
    expect(await forward.stop()).toBe(0)
    const said = forward.lines.map(({event, text}) => [event, text])
    expect(said.slice(1, -1)).toEqual([
      ['note', expect.stringContaining('only the previous secret') as string],
    ])
  })

  it('zt forward carries TCP with the previous secret', async () => {
    const forward = await world.forward([tcpHost])
    expect(await echoed(forward.port)).toBe('hello')
    expect(await forward.stop()).toBe(0)
  })
})

function echoed(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('hello'))
    socket.once('error', reject)
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
  })
}
