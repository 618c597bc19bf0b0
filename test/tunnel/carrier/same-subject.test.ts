import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {openTunnel} from '../../../src/lib/tunnel/carrier/handshake.js'
import {CREDENTIALS} from '../../support/carrier-session.js'
import {HOST, startEdge, type ScriptedEdge} from '../../support/scripted-edge.js'

let directory: string
let edges: [before: ScriptedEdge, after: ScriptedEdge]

/** A CA that was made anew keeps its name and gets another key; while both are in use a file holds the two. */
beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-same-subject-'))
  const start = async (name: string): Promise<ScriptedEdge> => {
    const own = path.join(directory, name)
    await fs.mkdir(own)
    return startEdge({
      directory: own,
      onPeer: (peer) => {
        peer.accept()
      },
    })
  }
  edges = [await start('before'), await start('after')]
})
afterAll(async () => {
  await Promise.all(edges.map((edge) => edge.close()))
  await fs.rm(directory, {recursive: true, force: true})
})

it.each([
  ['in that order', [0, 1]],
  ['in the other order', [1, 0]],
  ['one of them twice', [0, 0, 1]],
] as const)('two CAs of one name in one file are trusted both, %s', async (what, order) => {
  const texts = await Promise.all(order.map((at) => fs.readFile(edges[at].caFile, 'utf8')))
  const caFile = path.join(directory, `${what}.pem`)
  await fs.writeFile(caFile, texts.join('\n'))
  for (const {address: connectTo} of edges) {
    const {socket} = await openTunnel({edge: {host: HOST, connectTo, caFile}, credentials: CREDENTIALS})
    expect(socket.authorized).toBe(true)
    socket.destroy()
  }
})
