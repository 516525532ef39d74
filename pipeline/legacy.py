import numpy as np
REFERENCE_FRAMES=150
def linspace_frames(n,c): return np.linspace(0,n-1,c).astype(int)
def wrapping_int16(w): return (w*32768).astype(np.int64).astype(np.int16)
def legacy_time_row(p,d): return np.full(1024,-1,np.int8)
