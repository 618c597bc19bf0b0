// What the tests have in place of ssh.exe, curl.exe and a helper, by the name of the program: stand-in.ts makes programs of this
// file and node. Each does what zt needs of it.
'use strict'
const {spawn} = require('node:child_process')
const fs = require('node:fs')
const https = require('node:https')
const path = require('node:path')

const name = path.basename(process.execPath, '.exe')
const args = process.argv.slice(2)
const read = () => fs.readFileSync(0, 'utf8')

if (name === 'ssh') ssh()
else if (name === 'curl') curl()
else helper()

function ssh() {
  if (args[0] === '-V') return void fs.writeSync(2, 'OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2\n')
  if (args.includes('-G')) return say(settings())
  const at = args.findIndex((word) => word.startsWith('ProxyCommand='))
  // As Windows' own: the line goes to CreateProcess as it is. Of spawn's, only the program is looked up by its first word.
  const line = args[at].slice('ProxyCommand='.length)
  const [, quoted, rest] = /^("[^"]*") ?(.*)$/s.exec(line)
  const proxy = spawn(quoted.slice(1, -1), [rest], {
    argv0: quoted,
    windowsVerbatimArguments: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let banner = ''
  proxy.stdout.on('data', (bytes) => {
    banner += bytes
    if (banner.includes('\n')) proxy.stdin.end()
  })
  proxy.once('error', (error) => fs.writeSync(2, `${error}\n`))
  proxy.once('close', () => {
    fs.writeSync(1, banner)
    process.exitCode = banner === '' ? 255 : 0
  })
}

/** What `-F FILE` has for the host, by its name alone. */
function settings() {
  const lines = ['user me', 'port 22', `hostname ${args.at(-1)}`]
  const file = args[args.indexOf('-F') + 1]
  let applies = false
  for (const line of fs.existsSync(file) ? configuration(file).split(/\r?\n/) : []) {
    const [, keyword, value] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? []
    if (keyword === 'Host') applies = value === args.at(-1)
    else if (applies && keyword) lines.unshift(`${keyword.toLowerCase()} ${value.replaceAll('%%', '%')}`)
  }
  return `${lines.join('\n')}\n`
}

/** It waits for no scanner, and says so in OpenSSH's words (its ssh.c). */
function configuration(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    fs.writeSync(2, `Can't open user config file ${file}: Permission denied\r\n`)
    process.exit(255)
  }
}

/** One request with the headers of the configuration on stdin. */
function curl() {
  if (args.includes('--version')) return say('curl 8.13.0 (Windows) libcurl/8.13.0 Schannel zlib/1.3.1\n')
  const config = read()
  const settings = [...config.matchAll(/^([a-z-]+) = "(.*)"$/gm)].map(([, key, value]) => [
    key,
    unescape(value),
  ])
  const after = (flag) => args[args.indexOf(flag) + 1]
  const {hostname, pathname} = new URL(after('--url'))
  const [host, port] = after('--connect-to').split(':').slice(-2)
  const headers = settings.flatMap(([key, value]) => (key === 'header' ? [value.split(': ')] : []))
  const asked = https.get({
    ...{host, port, path: pathname, servername: hostname, ca: fs.readFileSync(after('--cacert'))},
    headers: {host: hostname, ...Object.fromEntries(headers)},
  })
  asked.once('error', (error) => {
    fs.writeSync(2, `curl: (7) ${error.message}\n`)
    process.exitCode = 7
  })
  asked.once('response', (answer) => {
    let body = ''
    answer.setEncoding('utf8').on('data', (text) => (body += text))
    answer.once('end', () => {
      const [, format] = settings.find(([key]) => key === 'write-out')
      const facts = format
        .replace('%{http_code}', String(answer.statusCode))
        .replace('%{redirect_url}', answer.headers.location ?? '')
        .replaceAll(/%header\{([^}]*)\}/g, (_, name) => answer.headers[name] ?? '')
      say(body)
      for (const part of facts.split(/(?=%\{std(?:out|err)\})/)) {
        const [, stream, text] = /^(?:%\{std(out|err)\})?(.*)$/s.exec(part)
        fs.writeSync(stream === 'err' ? 2 : 1, text)
      }
    })
  })
}

function unescape(value) {
  return value.replaceAll(/\\(.)/gs, (_, sign) => ({n: '\n', r: '\r', t: '\t', v: '\v'})[sign] ?? sign)
}

function say(text) {
  fs.writeSync(1, text)
}

/** docker-credential-NAME, with one file for all entries. */
function helper() {
  const file = path.join(process.env.APPDATA, 'helper.json')
  const entries = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}
  const keep = () => fs.writeFileSync(file, JSON.stringify(entries))
  const given = read()
  switch (args[0]) {
    case 'store': {
      const entry = JSON.parse(given)
      entries[entry.ServerURL] = entry
      return keep()
    }
    case 'erase':
      delete entries[given.trim()]
      return keep()
    case 'list':
      return void fs.writeSync(
        1,
        JSON.stringify(
          Object.fromEntries(Object.values(entries).map((one) => [one.ServerURL, one.Username])),
        ),
      )
    default: {
      const entry = entries[given.trim()]
      fs.writeSync(1, entry ? JSON.stringify(entry) : 'credentials not found in native keychain\n')
      process.exitCode = entry ? 0 : 1
    }
  }
}
