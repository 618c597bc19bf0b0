import fs from 'node:fs'
import path from 'node:path'
import {build} from 'esbuild'

const SDK = /[\\/]node_modules[\\/]cloudflare[\\/].*\.mjs$/
/** Node's classes that load all of fetch, and ours in their place. */
const LIGHT = {Headers: 'LightHeaders', Response: 'LightResponse', FormData: 'LightFormData'}
/** What src/lib/api uses of the SDK. */
const WANTED = {
  'cloudflare/client': ['BaseCloudflare'],
  'cloudflare/error': ['APIConnectionError', 'APIError', 'APIUserAbortError'],
}

/**
 * Takes from Cloudflare's SDK what zt uses, with src/lib/api/light-fetch.ts instead of node's Headers, Response and
 * FormData: loading those takes 15 ms of processor time for each command that asks the API (docs/dependencies.md). The
 * SDK is bundled by itself first: bundled with everything else, none of it would be left out. An esbuild plugin; the
 * build fails if the SDK no longer uses one of these classes.
 *
 * @param {(metafile: import('esbuild').Metafile) => void} note called with what that bundle is made of
 */
export const leanSdk = (note) => ({
  name: 'lean-sdk',
  setup({onResolve, onLoad, initialOptions: {absWorkingDir, target}}) {
    const filter = new RegExp(`^(${Object.keys(WANTED).join('|')})$`)
    onResolve({filter}, () => ({path: 'sdk', namespace: 'sdk'}))
    onLoad({filter: /.*/, namespace: 'sdk'}, async () => {
      const replaced = new Set()
      const contents = Object.entries(WANTED).map(
        ([module, names]) => `export {${names.join(', ')}} from '${module}'`,
      )
      const {outputFiles, metafile} = await build({
        absWorkingDir,
        target,
        stdin: {contents: contents.join('\n'), resolveDir: absWorkingDir},
        bundle: true,
        platform: 'node',
        format: 'esm',
        write: false,
        metafile: true,
        external: ['*/light-fetch.ts'],
        plugins: [{name: 'light-fetch', setup: withLightFetch(absWorkingDir, replaced)}],
      })
      const unused = Object.keys(LIGHT).filter((name) => !replaced.has(name))
      if (unused.length > 0)
        throw new Error(`the SDK has changed: it uses no ${unused.join(', ')} (scripts/lean-sdk.mjs)`)
      note(metafile)
      return {contents: outputFiles[0].text, resolveDir: absWorkingDir, loader: 'js'}
    })
  },
})

/** For the file of licences: Apache-2.0 requires it. */
export const changesOfSdk = {
  cloudflare: `only a part is here, and uses zt's own ${Object.keys(LIGHT).join(', ')}`,
}

function withLightFetch(root, replaced) {
  const file = path.join(root, 'src/lib/api/light-fetch.ts')
  return ({onLoad}) => {
    onLoad({filter: SDK}, ({path: module}) => {
      const text = fs.readFileSync(module, 'utf8')
      const code = text.replaceAll(/\/\/.*|\/\*[^]*?\*\//g, '')
      const used = Object.keys(LIGHT).filter((name) =>
        new RegExp(`\\b(new|instanceof) ${name}\\b`).test(code),
      )
      if (used.length === 0) return undefined
      for (const name of used) replaced.add(name)
      const names = used.map((name) => `${LIGHT[name]} as ${name}`).join(', ')
      return {contents: `import {${names}} from ${JSON.stringify(file)};${text}`, loader: 'js'}
    })
  }
}
