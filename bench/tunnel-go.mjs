// Programs in Go of the measurement, built when they are needed.
import {spawnSync} from 'node:child_process'
import os from 'node:os'
import path from 'node:path'

/** Where Debian's packages put Go libraries (golang-github-gorilla-websocket-dev). */
const DEBIAN_GOPATH = '/usr/share/gocode'

/**
 * Builds peers/NAME, in a directory that the caller removes.
 *
 * @returns {file, version}, or {why} if it cannot be built on this machine
 */
export function buildGo(name, {env, home}) {
  const file = path.join(home, name)
  const goEnv = {
    ...env,
    // Packages of the system instead of modules, which would come from the network.
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPATH: [env.GOPATH, DEBIAN_GOPATH].filter(Boolean).join(path.delimiter),
    // The user's: without it, Go compiles its whole library for each run.
    GOCACHE:
      process.env.GOCACHE ??
      path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'go-build'),
  }
  const go = (...args) =>
    spawnSync('go', args, {env: goEnv, cwd: path.join(import.meta.dirname, 'peers', name), encoding: 'utf8'})
  const {error, status, stderr} = go('build', '-o', file, 'main.go')
  if (error?.code === 'ENOENT') return {why: 'apt-get install golang-go'}
  if (error) throw error
  const missing = /cannot find package "github.com\/([\w-]+)\/([\w-]+)"/.exec(stderr)
  if (missing) return {why: `apt-get install golang-github-${missing[1]}-${missing[2]}-dev`}
  if (status !== 0) throw new Error(`${name} cannot be built: ${stderr.trim()}`)
  return {
    file,
    version: go('version')
      .stdout.trim()
      .replace(/^go version /, ''),
  }
}
