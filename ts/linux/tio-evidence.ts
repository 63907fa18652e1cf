// Names of the objects that a host hands to a guest about a device; both ends know them. A draft: AMD's Linux series of 2025.
export const CERTIFICATES = "078ccb75-2644-49e8-afe7-5686c5cf72f1";
export const MEASUREMENTS = "5caa80c6-12ef-401a-b364-ec59a93abe3f";
export const REPORT = "70dc5b0e-0cc0-4cd5-97bb-ff0ba25bf320";
