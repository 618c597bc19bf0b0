import {systemClock, type Clock} from '../core/clock.js'
import {removeFile, writeFileAtomic} from '../system/files.js'
import {toApplication} from '../api/convert.js'
import {startSandboxApi} from './api/server.js'
import {openCertificateAuthority} from './certificates.js'
import {startEdge} from './edge/edge.js'
import {startSshServer} from './ssh-server.js'
import {sandboxFiles} from './files.js'
import {SandboxState} from './state.js'
import type {SandboxSettings} from './settings.js'
import type {SandboxInfo, SandboxSeed} from './types.js'

export interface SandboxOptions {
  directory: string
  /** Starts from this seed; without one, from the saved state or the tutorial's. */
  seed?: SandboxSeed | undefined
  /** Replace those of the seed or the saved state, one by one. */
  settings?: SandboxSettings | undefined
  /** A host's origin instead of the sandbox's SSH server: `ADDRESS:PORT`. */
  origins: Record<string, string>
  /** Countries of clients by CIDR block, in addition to those of the settings. */
  countries?: Record<string, string> | undefined
  clock?: Clock | undefined
}

/** Starts the API, the edge and the SSH server in this process; `run.json` exists as soon as all three listen. */
export async function startSandbox(
  options: SandboxOptions,
): Promise<{info: SandboxInfo; close(): Promise<void>}> {
  const {directory, seed, settings, origins, countries, clock = systemClock} = options
  const files = sandboxFiles(directory)
  const state = await SandboxState.open({file: files.state, seed, settings, clock})
  const authority = await openCertificateAuthority(directory, clock.now())
  const ssh = await startSshServer(directory)
  const edge = await startEdge({
    state,
    authority,
    countries,
    originOf: (host) => origins[host] ?? `ssh://${ssh.address}`,
    httpOriginOf: (host) => origins[host],
  })
  const api = await startSandboxApi({state})
  // Only the hosts of the sandbox's SSH server; a real one behind --origin has its own key.
  const hosts = state.data.apps
    .flatMap((app) => toApplication(app).domains.map((domain) => domain.split('/')[0] ?? ''))
    .filter((host) => host !== '' && !(host in origins))
  await writeFileAtomic(
    files.knownHosts,
    [...new Set(hosts)].map((host) => `${host} ${ssh.publicKey}\n`).join(''),
  )
  const info: SandboxInfo = {
    pid: process.pid,
    apiUrl: api.url,
    apiToken: state.apiToken,
    accountId: state.accountId,
    edge: edge.address,
    caFile: authority.caFile,
    ssh: ssh.address,
    knownHostsFile: files.knownHosts,
    origins,
    stateFile: files.state,
    logFile: files.log,
    startedAt: new Date(clock.now()).toISOString(),
  }
  await writeFileAtomic(files.run, JSON.stringify({version: 1, ...info}, null, 2))
  return {
    info,
    async close() {
      await Promise.all([api.close(), edge.close(), ssh.close()])
      await Promise.all([state.save(), state.record.flush()])
      await removeFile(files.run)
    },
  }
}
