import fs from 'node:fs'
import path from 'node:path'
import {build} from 'esbuild'

const SDK = /[\\/]node_modules[\\/]cloudflare[\\/].*\.mjs$/
/** Node's classes that load all of fetch, and ours that stand for them. */
const STANDS_FOR = {Headers: 'LightHeaders', Response: 'LightResponse', FormData: 'LightFormData'}
/** What src/lib/api asks of the SDK. */
const WANTED = {
  'cloudflare/client': ['BaseCloudflare'],
  'cloudflare/error': ['APIConnectionError', 'APIError', 'APIUserAbortError'],
}

/**
 * Takes of Cloudflare's SDK what we use, with src/lib/api/light-fetch.ts instead of node's Headers, Response and
 * FormData. It is bundled by itself first: in one file with everything else nothing of it would be left out. An esbuild
 * plugin.
 *
 * @param {(metafile: import('esbuild').Metafile) => void} note is told what that bundle is made of
 */
export const leanSdk = (note) => ({
  name: 'lean-sdk',
  setup({onResolve, onLoad, initialOptions: {absWorkingDir, target}}) {
    const filter = new RegExp(`^(${Object.keys(WANTED).join('|')})$`)
    onResolve({filter}, () => ({path: 'sdk', namespace: 'sdk'}))
    onLoad({filter: /.*/, namespace: 'sdk'}, async () => {
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
        plugins: [{name: 'light-fetch', setup: withLightFetch(absWorkingDir)}],
      })
      note(metafile)
      return {contents: outputFiles[0].text, resolveDir: absWorkingDir, loader: 'js'}
    })
  },
})

/** For the file of licences: Apache-2.0 wants it said. */
export const changesOfSdk = {
  cloudflare: `only a part is here, and uses zt's own ${Object.keys(STANDS_FOR).join(', ')}`,
}

function withLightFetch(root) {
  const file = path.join(root, 'src/lib/api/light-fetch.ts')
  return ({onLoad}) => {
    onLoad({filter: SDK}, ({path: module}) => {
      const text = fs.readFileSync(module, 'utf8')
      const code = text.replaceAll(/\/\/.*|\/\*[^]*?\*\//g, '')
      const used = Object.keys(STANDS_FOR).filter((name) =>
        new RegExp(`\\b(new|instanceof) ${name}\\b`).test(code),
      )
      if (used.length === 0) return undefined
      const names = used.map((name) => `${STANDS_FOR[name]} as ${name}`).join(', ')
      return {contents: `import {${names}} from ${JSON.stringify(file)};${text}`, loader: 'js'}
    })
  }
}
