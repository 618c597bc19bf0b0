// Makes the files that the repository keeps and that follow from the commands and texts: oclif.manifest.json, package.json's
// list of man pages, the pages of docs/reference that follow from the commands, and the words of zt's own texts.
import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import {build} from 'esbuild'
import {bundleWords} from './bundle-words.mjs'
import {operationsPage} from './operations-page.mjs'
import {referencePages} from './reference-pages.mjs'

/**
 * @param {string} root of the project, with dist/ as built
 * @returns {Promise<Record<string, string>>} each file's text as it has to be
 */
export async function generatedFiles(root) {
  const manifest = await manifestOf(root)
  const {commands} = manifest
  const packageJson = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  const pages = ['zt', ...[...Object.keys(packageJson.oclif.topics), ...Object.keys(commands)].map(pageOf)]
  const man = [...new Set(pages)].map((page) => `dist/man/man1/${page}.1`).sort()
  const api = await loadSource(root, 'src/lib/api/permissions.ts', 'src/lib/api/operations.ts')
  const {settingRows} = await loadSource(root, 'src/lib/config/profile-settings.ts')
  const {HELP_TOPICS: helpTopics} = createRequire(import.meta.url)(path.join(root, 'dist', 'oclif.cjs'))
  const {topics} = packageJson.oclif
  const files = {
    'oclif.manifest.json': json(manifest),
    'package.json': json({...packageJson, man}),
    'docs/reference/api-operations.md': operationsPage(commands, api),
    'src/lib/doctor/bundle/words.ts': bundleWords(root),
    ...referencePages({commands, topics, schemas: schemasIn(root), helpTopics, api, settings: settingRows()}),
  }
  const [leaking] = Object.entries(files).find(([, text]) => text.includes(root)) ?? []
  if (leaking !== undefined) throw new Error(`${leaking} would hold a path of this machine`)
  return files
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`
const pageOf = (id) => `zt-${id.replaceAll(':', '-')}`

/** The schemas of docs/json, by file name; their references say in which file. */
function schemasIn(root) {
  const folder = path.join(root, 'docs', 'json')
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json'))
  return Object.fromEntries(
    files.map((name) => {
      const text = fs.readFileSync(path.join(folder, name), 'utf8')
      return [name, JSON.parse(text.replaceAll(/("\$ref": ")#/g, `$1${name}#`))]
    }),
  )
}

/** The manifest of the commands as built: oclif's own, and what the values of arguments and flags complete to. */
async function manifestOf(root) {
  // oclif evaluates defaults while it writes; what this shell has set must not get into the package.
  for (const name of Object.keys(process.env))
    if (/^(ZT|CLOUDFLARE|CF|TUNNEL)_/.test(name)) delete process.env[name]
  const {Plugin, settings} = await import('@oclif/core')
  settings.enableAutoTranspile = false
  const plugin = new Plugin({root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true})
  await plugin.load()
  // The file system's order differs from one machine to the next.
  const commands = Object.fromEntries(
    Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  for (const [id, {args, flags}] of Object.entries(commands)) {
    const command = await plugin.findCommand(id, {must: true})
    addKinds(args, command.args)
    addKinds(flags, {...command.baseFlags, ...command.flags})
  }
  return {...plugin.manifest, commands}
}

/** The mark that src/lib/cli/completing.ts has left, which oclif does not copy. */
function addKinds(inManifest, declared = {}) {
  for (const [name, {completes}] of Object.entries(declared))
    if (completes !== undefined) inManifest[name].completes = completes
}

/** What modules in TypeScript export. */
async function loadSource(root, ...modules) {
  const {outputFiles} = await build({
    absWorkingDir: root,
    stdin: {contents: modules.map((name) => `export * from './${name}'`).join('\n'), resolveDir: root},
    bundle: true,
    platform: 'node',
    external: ['keytar'],
    format: 'esm',
    write: false,
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}
