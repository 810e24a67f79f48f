"""What the scripts have in common."""

import json
import resource
import time


class Stopwatch:
    """The time and the processor time since it was made."""

    def __init__(self):
        self.start, self.cpu_start = time.monotonic(), time.process_time()

    def report(self, messages):
        """Prints what was measured, as the benchmark reads it."""
        measurement = {
            "messages": messages,
            "seconds": time.monotonic() - self.start,
            "cpuSeconds": time.process_time() - self.cpu_start,
            "peakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "allocations": 0,
        }
        print(json.dumps(measurement))
