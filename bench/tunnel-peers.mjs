// Peers that do what `zt ssh proxy` does, on the same wire: cloudflared if there is one, and clients written for this
// measurement with libraries that zt could have used. A peer that is not available is left out, with the reason.
import {spawnSync} from 'node:child_process'
import {accessSync, constants, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import {build} from 'esbuild'
import {buildGo} from './tunnel-go.mjs'

export const CLOUDFLARED = 'cloudflared'
export const GORILLA = 'Go, gorilla/websocket'
const WS = 'Node, ws'
const WS_NATIVE = 'Node, ws with bufferutil'
export const PEERS = [CLOUDFLARED, GORILLA, WS_NATIVE, WS]

const require = createRequire(import.meta.url)
const sources = path.join(import.meta.dirname, 'peers')
/** Packages of the peers, which `npm ci` in the project does not install. */
const modules = path.join(sources, 'node_modules')

/**
 * Finds or builds the peers, in a directory that the caller removes.
 *
 * @returns [{name, version, proxy}], or [{name, why}] for one that is not available. `proxy(scene, host)` returns its
 *   command line (`words`) and the variables that it needs (`more`).
 */
export async function findPeers(env, home) {
  return [findCloudflared(env), buildGorilla(env, home), ...(await buildWs(home))]
}

/** The cloudflared that CLOUDFLARED names, or the first on PATH. */
function findCloudflared(env) {
  const name = CLOUDFLARED
  const asked = process.env.CLOUDFLARED
  const candidates = asked
    ? [asked]
    : (process.env.PATH ?? '').split(path.delimiter).map((directory) => path.join(directory, 'cloudflared'))
  const file = candidates.find((one) => {
    try {
      accessSync(one, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (asked && file === undefined) throw new Error(`CLOUDFLARED=${asked} is not a program`)
  if (file === undefined) return {name, why: 'set CLOUDFLARED=/path'}
  const {stdout} = spawnSync(file, ['--version'], {env, encoding: 'utf8', timeout: 5000})
  return {
    name,
    version: stdout?.trim() || file,
    proxy: (scene, host) => accessBy(file, scene, host),
    forward: (scene, host, port) => accessBy(file, scene, host, ['--url', `127.0.0.1:${port}`]),
  }
}

function accessBy(file, {address, trust, credentials}, host, more = []) {
  return {
    words: [file, 'access', 'tcp', '--hostname', host, '--connect-to', address, ...more],
    more: {
      TUNNEL_SERVICE_TOKEN_ID: credentials.id,
      TUNNEL_SERVICE_TOKEN_SECRET: credentials.secret,
      // It has no flag for a CA.
      ...trust.directory,
    },
  }
}

function buildGorilla(env, home) {
  const name = GORILLA
  const {file, version, why} = buildGo('gorilla', {env, home})
  return why === undefined ? {name, version, proxy: ownPeer(() => [file])} : {name, why}
}

/** One bundle for two peers: ws reads from the environment whether it may use bufferutil. */
async function buildWs(home) {
  const addon = findBufferutil()
  const file = path.join(home, 'ws-client.cjs')
  await build({
    entryPoints: [path.join(sources, 'ws-client.mjs')],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
    plugins: [
      {
        name: 'bufferutil',
        setup: (the) =>
          // The addon itself: its package would search the disk for it at every start.
          void the.onResolve({filter: /^bufferutil$/}, () => ({path: addon ?? 'bufferutil', external: true})),
      },
    ],
  })
  const words = ({node}) => [...node, file]
  const version = `ws ${versionOf(path.dirname(require.resolve('ws')))}`
  return [
    addon === undefined
      ? {name: WS_NATIVE, why: 'run npm ci --prefix bench/peers'}
      : {
          name: WS_NATIVE,
          version: `${version}, bufferutil ${versionOf(path.join(modules, 'bufferutil'))}`,
          proxy: ownPeer(words),
        },
    {name: WS, version, proxy: ownPeer(words, {WS_NO_BUFFER_UTIL: '1'})},
  ]
}

/** The addon's file; undefined if it is not installed or has no build for this platform. */
function findBufferutil() {
  try {
    return require(path.join(modules, 'node-gyp-build')).resolve(path.join(modules, 'bufferutil'))
  } catch {
    return undefined
  }
}

const versionOf = (directory) => JSON.parse(readFileSync(path.join(directory, 'package.json'))).version

/** The peers written for this measurement all take the same arguments. */
function ownPeer(words, more = {}) {
  return (scene, host) => ({
    words: [...words(scene), host, scene.address, scene.caFile],
    more: {...scene.pair, ...more},
  })
}
