// One connection of one client, in a process of its own: starts the client with pipes, as ssh does, and blocks while it
// writes and reads, which takes hardly any processor time. What to do comes from stdin as JSON; it prints what it measured.
import {execFileSync, spawn} from 'node:child_process'
import {closeSync, openSync, readFileSync, readSync, rmSync, writeSync} from 'node:fs'
import path from 'node:path'
import {cpuOf, usedBy} from './tunnel-used.mjs'

/**
 * `greeting` bytes come first; then `say` and `send` bytes are written, and `receive` bytes are read. `watched` are processes
 * by name whose processor time meanwhile is measured.
 */
const {words, env, cwd, greeting, say, send, receive, watched} = JSON.parse(readFileSync(0, 'utf8'))
const block = Buffer.alloc(1024 * 1024, 'zt')

const [[theirInput, input], [output, theirOutput]] = pipes('input', 'output')
const errors = path.join(cwd, `errors-${process.pid}`)
const theirErrors = openSync(errors, 'w')
const started = performance.now()
const child = spawn(words[0], words.slice(1), {env, cwd, stdio: [theirInput, theirOutput, theirErrors]})
for (const fd of [theirInput, theirOutput, theirErrors]) closeSync(fd)
try {
  const first = read(1)
  const bannerMs = performance.now() - started
  read(greeting - 1)
  const before = watch()
  const began = performance.now()
  write(Buffer.from(say))
  for (let left = send; left > 0; left -= block.length) write(block.subarray(0, Math.min(left, block.length)))
  read(receive)
  const seconds = (performance.now() - began) / 1000
  const after = watch()
  const cpu = Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name]]))
  const client = usedBy(child.pid)
  console.log(JSON.stringify({first, bannerMs, seconds, ...(client && {client, cpu})}))
} catch (error) {
  console.error(
    [`a connection failed: ${error.message}`, readFileSync(errors, 'utf8').trim()].join('\n').trim(),
  )
  process.exitCode = 1
} finally {
  child.kill()
  rmSync(errors)
}

/** The ends of each pipe: the one that is read and the one that is written. Node itself makes only socket pairs. */
function pipes(...names) {
  const files = names.map((name) => path.join(cwd, `${name}-${process.pid}`))
  execFileSync('mkfifo', files)
  return files.map((file) => {
    // Opening an end waits for the other one; this has both.
    const both = openSync(file, 'r+')
    const ends = [openSync(file, 'r'), openSync(file, 'w')]
    closeSync(both)
    rmSync(file)
    return ends
  })
}

/** Reads exactly that many bytes, and returns the first. */
function read(bytes) {
  let first
  for (let left = bytes; left > 0;) {
    const count = readSync(output, block, 0, Math.min(left, block.length))
    if (count === 0) throw new Error('it ended early')
    first ??= String.fromCharCode(block[0])
    left -= count
  }
  return first
}

function write(bytes) {
  for (let at = 0; at < bytes.length;) at += writeSync(input, bytes, at)
}

function watch() {
  const {user, system} = process.cpuUsage()
  const others = Object.entries(watched).map(([name, pids]) => [name, cpuOf(pids)])
  return {...Object.fromEntries(others), driver: (user + system) / 1e6}
}
