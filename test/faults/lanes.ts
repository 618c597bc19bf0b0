import {Scene} from './scene.js'

/** The scenes that may run at a time, each used by one case after the other. */
export class Lanes {
  readonly #free: Scene[] = []
  readonly #all: Promise<Scene>[] = []
  readonly #waiting: ((scene: Scene) => void)[] = []
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  async use<T>(run: (scene: Scene) => Promise<T>): Promise<T> {
    const scene = await this.#take()
    try {
      return await run(scene)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(scene)
      else this.#free.push(scene)
    }
  }

  async close(): Promise<void> {
    for (const scene of this.#all) await (await scene).close()
  }

  #take(): Promise<Scene> {
    const free = this.#free.pop()
    if (free) return Promise.resolve(free)
    if (this.#all.length < this.#most) {
      const scene = Scene.open()
      this.#all.push(scene)
      return scene
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
