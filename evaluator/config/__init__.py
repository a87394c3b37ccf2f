"""All contact with Hydra: schemas, composition, and the expansion of a sweep into points of plain sections."""
