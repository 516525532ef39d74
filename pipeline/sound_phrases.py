"""The ten sounds of the bundled model and what people call them."""

from __future__ import annotations

# In the order in which the bundled classifier numbers them; the first phrase of a sound is its label.
PHRASES: dict[str, tuple[str, str, str]] = {
    "airplane": ("airplane flying", "a plane flies by", "jet aircraft passing"),
    "train": ("train passing", "a train on the railway", "railroad cars rolling"),
    "siren": ("ambulance siren", "an ambulance with siren", "emergency vehicle wailing"),
    "car": ("car passing by", "a car drives past", "vehicle engine on road"),
    "helicopter": ("helicopter flying", "a helicopter hovering", "chopper rotor blades"),
    "rain": ("rain falling", "heavy rain drops", "a rain shower"),
    "ball": ("ball bouncing", "a bouncing ball", "rubber ball hits the floor"),
    "hammer": ("hammer hitting metal", "a hammer on an anvil", "metal hammering"),
    "footsteps": ("footsteps walking", "a person walking", "steps on the floor"),
    "door": ("door slamming", "a door closes", "slam of a door"),
}
