// For esbuild: what packages use if it is there, and zt does without. Node would look for it in every directory up to the root of
// the drive, where on Windows anyone may make a directory node_modules.
const NAMES = ['bufferutil', 'cpu-features', 'ts-node', 'typescript', 'utf-8-validate']
const NAMESPACE = 'absent'

/** As esbuild calls them in its report. */
export const ABSENT = NAMES.map((name) => `${NAMESPACE}:${name}`)

export const absent = {
  name: NAMESPACE,
  setup: ({onResolve, onLoad}) => {
    const filter = new RegExp(`^(${NAMES.join('|')})$`)
    onResolve({filter}, ({path: name}) => ({path: name, namespace: NAMESPACE}))
    onLoad({filter, namespace: NAMESPACE}, ({path: name}) => ({
      contents: `throw Object.assign(new Error('zt does without ${name}'), {code: 'MODULE_NOT_FOUND'})`,
    }))
  },
}
