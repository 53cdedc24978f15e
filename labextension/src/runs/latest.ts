/**
 * Runs a request whenever asked, but never two at once: asked again meanwhile, it runs once more
 * when the first has ended. So a burst of invalidations costs two requests, and the last one wins.
 */
export class Latest {
  private running: Promise<void> | null = null;
  private again = false;

  constructor(private readonly request: () => Promise<void>) {}

  /** Resolves when everything asked for so far has been answered. */
  ask(): Promise<void> {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.repeat().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async repeat(): Promise<void> {
    do {
      this.again = false;
      await this.request();
    } while (this.again);
  }
}
