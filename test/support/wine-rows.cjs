// Runs on Windows' node, under wine: programs that node starts have pipes there, those that wine's own start has not.
// argv: a JSON file of {files: {[name below %APPDATA%]: content}, rows: {program, args, env}[]}, and where to write the results.
'use strict'
const {spawnSync} = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const {files, rows} = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
for (const [name, content] of Object.entries(files)) {
  const file = path.join(process.env.APPDATA, name)
  fs.mkdirSync(path.dirname(file), {recursive: true})
  fs.writeFileSync(file, content)
}
const ends = rows.map(({program, args, env}) => {
  const {status, stdout, stderr, error} = spawnSync(program, args, {
    env: {...process.env, ...env},
    encoding: 'utf8',
    // No greeting of an SSH client: the server ends the connection.
    input: 'x\r\n',
    windowsHide: true,
  })
  return {code: status, stdout, stderr: error ? String(error) : stderr}
})
fs.writeFileSync(process.argv[3], JSON.stringify(ends))
