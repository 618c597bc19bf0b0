// Runs on Windows' node under wine, and starts programs for the tests: wine's own start from Linux hands on neither pipes nor
// %APPDATA%, and from here a program is started as any other on Windows. Speaks lines of JSON over one connection; ends with it.
'use strict'
const {spawn} = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const readline = require('node:readline')

/** libuv opens such a file without sharing it, as a virus scanner does: no one else can open, rename or remove it. */
const UV_FS_O_EXLOCK = 0x10000000

const socket = net.connect(Number(process.argv[2]), '127.0.0.1')
const children = new Map()
const holds = new Map()
const say = (message) => void socket.write(`${JSON.stringify(message)}\n`)

socket.once('close', () => {
  for (const child of children.values()) child.kill()
  process.exit()
})
socket.on('error', () => undefined)
readline.createInterface({input: socket}).on('line', (line) => {
  const message = JSON.parse(line)
  try {
    ACTIONS[message.do](message)
  } catch (error) {
    say({id: message.id, error: String(error)})
  }
})
say({env: process.env, node: process.execPath})

const ACTIONS = {
  start({id, program, args, cwd, env, verbatim}) {
    let child
    try {
      child = spawn(program, args, {cwd, env, windowsVerbatimArguments: verbatim === true})
    } catch (error) {
      return say({id, error: String(error)})
    }
    children.set(id, child)
    child.on('error', (error) => say({id, error: String(error)}))
    for (const name of ['stdout', 'stderr']) {
      child[name].on('data', (bytes) => say({id, [name]: bytes.toString('base64')}))
    }
    child.stdin.on('error', () => undefined)
    child.on('close', (code, signal) => {
      children.delete(id)
      // What is ended here, ends with 1.
      say({id, end: {code: code ?? (signal === null ? null : 1)}})
    })
  },
  write({id, bytes}) {
    children.get(id)?.stdin.write(Buffer.from(bytes, 'base64'))
  },
  finish({id}) {
    children.get(id)?.stdin.end()
  },
  kill({id}) {
    children.get(id)?.kill('SIGKILL')
  },
  /** Keeps one file open until `release`. */
  hold({id, file}) {
    holds.set(id, fs.openSync(file, fs.constants.O_RDWR | UV_FS_O_EXLOCK))
    say({id, end: {}})
  },
  /** Opens each new file below a directory as soon as it sees it, for as long, until `release`. */
  scan({id, directory, ms}) {
    const seen = new Set(filesBelow(directory))
    let held = 0
    const open = new Set()
    const letGo = (handle) => {
      if (open.delete(handle)) fs.closeSync(handle)
    }
    const timer = setInterval(() => {
      for (const file of filesBelow(directory)) {
        if (seen.has(file)) continue
        seen.add(file)
        try {
          const handle = fs.openSync(file, fs.constants.O_RDWR | UV_FS_O_EXLOCK)
          held++
          open.add(handle)
          setTimeout(() => letGo(handle), ms)
        } catch {
          // Its writer has it open, or it is gone: a scanner tries again.
          seen.delete(file)
        }
      }
    }, 1)
    holds.set(id, () => {
      clearInterval(timer)
      // What it still held would be in the way of the next test.
      for (const handle of open) letGo(handle)
      return held
    })
    say({id, end: {}})
  },
  release({id, of}) {
    const held = holds.get(of)
    holds.delete(of)
    if (typeof held === 'number') fs.closeSync(held)
    say({id, end: {held: typeof held === 'function' ? held() : 1}})
  },
}

function filesBelow(directory) {
  let names = []
  try {
    names = fs.readdirSync(directory, {withFileTypes: true})
  } catch {
    // It is not there yet.
  }
  return names.flatMap((one) => {
    const file = path.join(directory, one.name)
    return one.isDirectory() ? filesBelow(file) : [file]
  })
}
