import fs from 'node:fs'
import path from 'node:path'
import {build} from 'esbuild'

/** Writes what the shells' completion offers of zt itself: far less than the manifest, and with what each value is. */
export async function writeCompletionWords(root) {
  const {outputFiles} = await build({
    absWorkingDir: root,
    entryPoints: ['src/lib/command/completion-words.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  })
  const code = Buffer.from(outputFiles[0].contents).toString('base64')
  const {completionWords} = await import(`data:text/javascript;base64,${code}`)
  const read = (name) => JSON.parse(fs.readFileSync(path.join(root, name), 'utf8'))
  const words = completionWords(read('oclif.manifest.json'), read('package.json').oclif.topics)
  fs.writeFileSync(path.join(root, 'dist', 'complete', 'words.json'), JSON.stringify(words))
}
