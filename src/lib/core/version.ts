import manifest from '../../../package.json' with {type: 'json'}

/** The package's name on npm. */
export const NAME: string = manifest.name

/** This build's version, e.g. `0.1.0`. */
export const VERSION: string = manifest.version

/** What zt calls itself to the API and to the edge. */
export const USER_AGENT = `zt/${VERSION}`
